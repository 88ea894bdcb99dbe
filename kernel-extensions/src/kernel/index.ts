export { KernelClient } from './client';
export type { CellOutput, ExecuteOptions, ExecuteResult, KernelClientOptions } from './client';
export { input } from './notebook-input';
