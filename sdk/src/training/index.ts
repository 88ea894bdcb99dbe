export * from './adamw';
export * from './clip-gradients';
export * from './draw-prompts';
export * from './rollout-batch';
export * from './rollout-groups';
export {
  correctRollout,
  rolloutAgreement,
  rolloutCorrectionConfig,
  type RolloutCorrection,
  type RolloutCorrectionConfig,
} from './rollout-correction';
export type { PolicyModel, ReplayModel } from './replay-step';
export * from './replay-policy';
export * from './policy-loss';
export * from './consistency-check';
export * from './policy-gradients';
export * from './pairs-from-rollout';
export * from './dpo-gradients';
export * from './diffusion-nft/old-policy-decay';
export * from './diffusion-nft/select-timesteps';
export * from './diffusion-nft/nft-gradients';
export * from './prompt-cache';
export * from './weight-average';
export * from './mini-batches';
export * from './learning-rate';
export type { EvaluationOptions, EvaluationReport } from './evaluate-policy';
export * from './step-report';
export * from './run-log';
export { FLOW_GRPO_DEFAULTS, type FlowGRPOOptions, type LoraOptions } from './flow-grpo-options';
export * from './options-from-run';
export * from './trainable-pipeline';
export * from './flow-grpo-trainer';
export * from './train-flow-grpo';
