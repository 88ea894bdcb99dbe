export type { RayConnection } from './ray/ray-connection';
export { RayWorkers, type RayWorkerPlace, type RayWorkersOptions } from './ray/ray-workers';
export {
  isOver,
  type Job,
  type JobState,
  type JobStatus,
  type JobTask,
  type Launcher,
} from './launch/launcher';
export { LocalLauncher } from './launch/local-launcher';
export { RayLauncher, type RayLauncherOptions } from './launch/ray-launcher';
export { SlurmLauncher, type SlurmLauncherOptions } from './launch/slurm-launcher';
export { runJob, type FollowOptions } from './launch/follow';
export { bundleFiles, copyBundle, type BundleFiles } from './launch/bundle';
export { packagesFolder } from './launch/packages-folder';
