import { diffusionNftLoss } from './diffusion-nft-loss';
import { distillFmMseLoss } from './distill-fm-mse-loss';
import { dpoLoss } from './dpo-loss';
import { flowDppoLoss } from './flow-dppo-loss';
import { flowGrpoLoss } from './flow-grpo-loss';
import { grpoGuardLoss } from './grpo-guard-loss';
import { distillKlLoss, klLoss } from './kl-loss';
import { losses } from './loss';

losses.register('flow_grpo', flowGrpoLoss);
losses.register('dance_grpo', flowGrpoLoss);
losses.register('grpo_guard', grpoGuardLoss);
losses.register('flow_dppo', flowDppoLoss);
losses.register('kl', klLoss);
losses.register('distill_kl', distillKlLoss);
losses.register('distill_fm_mse', distillFmMseLoss);
losses.register('dpo', dpoLoss);
losses.register('diffusion_nft', diffusionNftLoss);

export {
  diffusionNftLoss,
  distillFmMseLoss,
  distillKlLoss,
  dpoLoss,
  flowDppoLoss,
  flowGrpoLoss,
  grpoGuardLoss,
  klLoss,
};
export { computeLoss, losses, type Loss, type LossInputs, type LossOutput } from './loss';
export type { LossConfig } from './loss-config';
export * from './loss-gradients';
