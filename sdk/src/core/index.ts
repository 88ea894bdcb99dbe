export * from './philox';
export * from './random-key';
export * from './registry';
