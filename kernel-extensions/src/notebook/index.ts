export * from './notebook';
export * from './notebook-file';
export * from './outputs';
