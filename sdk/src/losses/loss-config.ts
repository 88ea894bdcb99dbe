import { UPSTREAM_LOSS_DEFAULTS } from '../config/loss-defaults';
import {
  ANYTHING,
  COMPAT,
  number,
  oneOf,
  record,
  section,
  SWITCH,
  type Rule,
  type Rules,
} from '../core/option-rules';

/** Settings of the losses, with verl-omni's keys (actor.diffusion_loss) and defaults. */
export interface LossConfig {
  /** c: how far a ratio may move before its gradient is cut. It applies to exp(mean log-ratio), so small latents need a
   * larger one. Default 1e-4. */
  clip_ratio: number;
  /** Advantages are clamped to +- this. Default 5. */
  adv_clip_max: number;
  /** Flow-DPPO: divergence from which a step outside the trust region is dropped. Default 1e-5. */
  kl_mask_threshold: number;
  /** Flow-DPPO: divide by the step's variance. Default true. */
  add_kl_coefficient: boolean;
  /** Diffusion-NFT: beta, how far the two policies lie from the old one. Default 0.5. */
  mix_beta: number;
  /** Diffusion-NFT: weight of the distance to the reference. Default 0. */
  ref_kl_coef: number;
  /** Diffusion-NFT: least value of the adaptive weight. Default 1e-5. */
  adaptive_weight_min: number;
  /** DPO: beta. Default 2000. */
  dpo_beta: number;
  /** Whether `std_dev_t` already holds sqrt(dt), as that of 'dance_sde' and 'cps' does; see `stepScale`. Default false. */
  std_holds_dt: boolean;
  /** Whether `log_probs` are divided by the step's variance, as those of 'cps' are not; see `stepScale`. Default true. */
  log_prob_holds_variance: boolean;
  /** 'verl-omni' repeats its behaviour where ours differs on purpose: GRPO-Guard's batch means, and one formula for every
   * transition whatever its `std_dev_t` holds. Default null. */
  compat: 'verl-omni' | null;
}

/** The settings where nothing else is said. */
export const LOSS_DEFAULTS: LossConfig = {
  ...UPSTREAM_LOSS_DEFAULTS,
  std_holds_dt: false,
  log_prob_holds_variance: true,
  compat: null,
};

const FROM_ZERO = number({ least: 0, most: Infinity });
const ABOVE_ZERO = number({ above: 0, most: Infinity });

const RULES: Rules<LossConfig> = {
  clip_ratio: FROM_ZERO,
  adv_clip_max: ABOVE_ZERO,
  kl_mask_threshold: FROM_ZERO,
  add_kl_coefficient: SWITCH,
  mix_beta: ABOVE_ZERO,
  ref_kl_coef: FROM_ZERO,
  adaptive_weight_min: FROM_ZERO,
  dpo_beta: ABOVE_ZERO,
  std_holds_dt: SWITCH,
  log_prob_holds_variance: SWITCH,
  compat: COMPAT,
};

/**
 * What the settings must be that some losses share: a loss that does not name its own settings may take any. verl-omni's
 * section names its loss beside them (`loss_mode`), which must be this one.
 */
export function lossConfigRule(
  lossMode: string,
  parts: readonly { ownSettings?: readonly string[] }[],
): Rule {
  const rules = { ...RULES, loss_mode: oneOf(lossMode) };
  if (parts.some(({ ownSettings }) => ownSettings === undefined)) return record(rules);
  const own = parts.flatMap(({ ownSettings = [] }) => ownSettings);
  return section({ ...Object.fromEntries(own.map((name) => [name, ANYTHING])), ...rules });
}
