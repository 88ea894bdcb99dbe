export { KernelClient } from './client';
export type { CellOutput, ExecuteOptions, ExecuteResult, KernelClientOptions } from './client';
export { clearOutput, input } from './notebook-io';
