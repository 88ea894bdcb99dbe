export * from './display';
export * from './notebook';
export * from './script';
export * from './kernel';
export * from './widgets';
export * from './runs';
export * from './cluster';
