export * from './calculate-shift';
export type { FlowMatchSchedulerConfig, FlowMatchSchedulerOptions } from './scheduler-config';
export { FlowMatchSchedule, type SetTimestepsOptions } from './flow-match-schedule';
export type { Timesteps } from './step-operands';
export * from './transitions';
export * from './flow-match-euler';
export * from './flow-match-sde';
export * from './mix-grpo-window';
export { lastWindowStart, type SdeWindow, type WindowPlace } from './sde-window';
