export { KernelClient } from './client/kernel-client';
export type { ExecuteOptions, ExecuteResult, KernelClientOptions } from './client/kernel-client';
export { FLOWBOOK_KERNELSPEC } from './client/kernel-process';
export type { CellOutput, ErrorContent, ExpressionResult } from './protocol/outputs';
