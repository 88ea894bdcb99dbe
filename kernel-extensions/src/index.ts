export * from './display';
export * from './notebook';
