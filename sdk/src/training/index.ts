export * from './adamw';
export { clipGradients, globalNorm, type ClippedGradients, type Gradients } from './clip-gradients';
export * from './draw-prompts';
export * from './rollout-batch';
export { rolloutGroups, type RolloutGroupsOptions } from './rollout-groups';
export * from './rollout-part';
export type { RolloutPlace, RolloutWorkers, WorkerReport, WorkersReport } from './rollout-workers';
export {
  correctRollout,
  rolloutAgreement,
  rolloutCorrectionConfig,
  type RolloutCorrection,
  type RolloutCorrectionConfig,
} from './rollout-correction';
export type { PolicyModel, ReplayModel } from './replay-step';
export { replayPolicy, type ReplayedPolicy, type ReplayOptions } from './replay-policy';
export { policyLoss, type DistillLossMode, type PolicyLossOptions } from './policy-loss';
export * from './consistency-check';
export {
  policyGradients,
  type PolicyGradientOptions,
  type PolicyGradientPart,
  type PolicyGradients,
} from './policy-gradients';
export * from './diffusion-dpo/pairs-from-rollout';
export * from './diffusion-dpo/dpo-gradients';
export * from './diffusion-nft/old-policy-decay';
export * from './diffusion-nft/select-timesteps';
export {
  nftGradients,
  type NftBatch,
  type NftGradientOptions,
  type NftGradients,
  type NftModel,
} from './diffusion-nft/nft-gradients';
export * from './embed-rows';
export * from './prompt-cache';
export { PromptPriority, type PromptPriorityOptions } from './prompt-priority';
export * from './weight-average';
export * from './mini-batches';
export { learningRateAt, type LearningRateSchedule } from './learning-rate';
export { evaluatePolicy, type EvaluationDefaults, type EvaluationReport } from './evaluate-policy';
export type { EvaluationOptions } from './evaluation-options';
export * from './apply-gradients';
export * from './step-report';
export * from './picture-diversity';
export * from './run/alarms';
export { RunLog, readRunLog, type LogContent } from './run/run-log';
export { checkedFields } from './run/checked-fields';
export { bestStep, type BestStep } from './run/best-step';
export { readRunPictures, type KeptPicture, type RunPicture } from './run/picture-files';
export {
  isRunning,
  readRunRecord,
  type RunProgress,
  type RunRecord,
  type RunState,
} from './run/run-record';
export { RUN_FILES } from './run/run-files';
export { checkpointIn } from './run/checkpoint-places';
export { makeRunFolder, nextRunFolder, runFolders } from './run/named-folders';
export type { RunOptions, RunView } from './run/run-options';
export { FLOW_GRPO_DEFAULTS, type FlowGRPOOptions, type LoraOptions } from './flow-grpo-options';
export * from './options-from-run';
export * from './trainable-pipeline';
export * from './run-training';
export { WeightTrainer, type TrainerPosition, type WeightTrainerSettings } from './weight-trainer';
export { RolloutTrainer, type RatedRollout, type RolloutTrainerSettings } from './rollout-trainer';
export * from './flow-grpo-trainer';
export * from './train-flow-grpo';
export {
  DIFFUSION_NFT_DEFAULTS,
  type DiffusionNFTOptions,
  type NftStepReport,
} from './diffusion-nft/nft-options';
export { DiffusionNFTTrainer } from './diffusion-nft/nft-trainer';
export * from './diffusion-nft/train-diffusion-nft';
export type {
  DpoStepReport,
  OfflineDPOOptions,
  OfflineDpoStepReport,
  OnlineDPOOptions,
} from './diffusion-dpo/dpo-options';
export type { PreferencePair } from './diffusion-dpo/preference-pairs';
export { OnlineDPOTrainer } from './diffusion-dpo/online-dpo-trainer';
export { OfflineDPOTrainer, type OfflinePipeline } from './diffusion-dpo/offline-dpo-trainer';
export * from './diffusion-dpo/train-diffusion-dpo';
export type { EarlierWeights, TrainerState, WeightVersions } from './trainer-state';
