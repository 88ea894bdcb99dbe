export * from './adamw';
export * from './clip-gradients';
