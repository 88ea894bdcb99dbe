export * from './philox';
export * from './python-random';
export * from './torch-random';
export * from './random-key';
export * from './registry';
export * from './pixel-image';
export * from './cell-signal';
export { jupyterDisplay, drawOrDescribe } from './jupyter-display';
