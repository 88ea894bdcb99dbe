export * from './display';
export * from './notebook';
export * from './kernel';
export * from './widgets';
export * from './runs/attach';
export * from './cluster';
