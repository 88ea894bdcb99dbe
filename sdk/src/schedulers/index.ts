export * from './calculate-shift';
export type { FlowMatchSchedulerConfig, FlowMatchSchedulerOptions } from './scheduler-config';
export { FlowMatchSchedule, type SetTimestepsOptions, type Timesteps } from './flow-match-schedule';
export * from './transitions';
export * from './flow-match-euler';
export * from './flow-match-sde';
export * from './mix-grpo-window';
