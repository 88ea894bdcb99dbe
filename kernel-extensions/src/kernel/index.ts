export { KernelClient } from './client';
export type { CellOutput, ExecuteOptions, ExecuteResult, KernelClientOptions } from './client';
export { commsAvailable, openComm, registerCommTarget } from './comms';
export type { Comm, CommMessage, CommOptions } from './comms';
export { input } from './notebook-input';
