export * from './client';
export { clearOutput, input } from './notebook-io';
