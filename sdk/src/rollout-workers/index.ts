export {
  MAX_FRAME_HEADER_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  readFrames,
  writeFrame,
  type Frame,
  type FrameHeader,
} from './frame';
export { WorkerLost, type WorkerEvents, type WorkerLink, type WorkerSource } from './worker-link';
export type { WorkerModel } from './worker-model';
export {
  LocalWorkers,
  threadEnvironment,
  workerProgram,
  type LocalWorkersOptions,
} from './local-workers';
export { RewardPool, type RewardPoolOptions } from './reward-pool';
export { WorkerPool, type PoolEvent, type WorkerPoolOptions } from './worker-pool';
