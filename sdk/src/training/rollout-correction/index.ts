export {
  comparesMeans,
  correctRollout,
  rolloutCorrectionConfig,
  type RolloutCorrection,
  type RolloutCorrectionConfig,
} from './rollout-correction';
export { rolloutAgreement } from './off-policy-metrics';
