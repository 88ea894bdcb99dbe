/** verl-omni's settings of its losses (actor.diffusion_loss) where nothing else is said. */
export const UPSTREAM_LOSS_DEFAULTS = {
  clip_ratio: 1e-4,
  adv_clip_max: 5,
  mix_beta: 0.5,
  ref_kl_coef: 0,
  adaptive_weight_min: 1e-5,
  dpo_beta: 2000,
  kl_mask_threshold: 1e-5,
  add_kl_coefficient: true,
};
