export * from './display';
export * from './notebook';
export * from './kernel';
