/** What `state.json` of a checkpoint holds, as older versions wrote it. */
export const CHECKPOINT_STATE = {
  format: 1,
  step: 2,
  seconds: 1.5,
  microBatchSize: 64,
  promptSpreads: [0.5, null],
  seed: 0,
  trainer: 'FlowGRPOTrainer',
};
