export type { RayConnection } from './ray/ray-connection';
export { RayWorkers, type RayWorkerPlace, type RayWorkersOptions } from './ray/ray-workers';
