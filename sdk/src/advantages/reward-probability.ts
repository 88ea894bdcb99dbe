import { UPSTREAM_LOSS_DEFAULTS } from '../config/loss-defaults';
import { checkOptions, number, oneOf, type Rules } from '../core/option-rules';
import { tf } from '../tensorflow';

/** Which advantages count, before they become probabilities. */
export type AdvantageMode = (typeof ADVANTAGE_MODES)[number];

/** Options of `rewardProbability`. */
export interface RewardProbabilityOptions {
  /** M. Default 5. */
  advClipMax?: number;
  /**
   * 'continuous' (default) keeps A; 'positive_only' and 'negative_only' one side of it; 'one_only' makes it 1 or 0; 'binary' takes
   * its sign.
   */
  mode?: AdvantageMode;
}

/**
 * Diffusion-NFT's reward as a probability of being good: p = clip(A / (2M) + 1/2, 0, 1), with A clamped to +-M first
 * (https://arxiv.org/abs/2509.16117).
 *
 * @param advantages (B) or (B, W) group advantages, none of which is NaN.
 * @returns Same shape, values in [0, 1]. The caller owns it.
 * @throws When there is no such option or one breaks its rule, or an advantage is NaN.
 *
 * @example
 * rewardProbability(tf.tensor1d([-10, -5, 0, 5, 10])); // [0, 0, 0.5, 1, 1]
 */
export function rewardProbability<A extends tf.Tensor>(
  advantages: A,
  options: RewardProbabilityOptions = {},
): A {
  checkOptions('turn advantages into probabilities', options, RULES);
  const { advClipMax = UPSTREAM_LOSS_DEFAULTS.adv_clip_max, mode = 'continuous' } = options;
  const take = TAKE[mode];
  return tf.tidy(() => {
    if (advantages.dataSync().some(Number.isNaN)) {
      throw new Error(
        'Cannot turn advantages into probabilities as advantages must be numbers: one is NaN',
      );
    }
    const clamped = tf.clipByValue(advantages, -advClipMax, advClipMax);
    return take(clamped)
      .div(2 * advClipMax)
      .add(0.5)
      .clipByValue(0, 1) as A;
  });
}

/** All modes. */
export const ADVANTAGE_MODES = Object.freeze([
  'continuous',
  'positive_only',
  'negative_only',
  'one_only',
  'binary',
] as const);

const RULES: Rules<RewardProbabilityOptions> = {
  advClipMax: number({ above: 0 }),
  mode: oneOf(...ADVANTAGE_MODES),
};

const TAKE: Record<AdvantageMode, (advantages: tf.Tensor) => tf.Tensor> = {
  continuous: (A) => A,
  positive_only: (A) => tf.maximum(A, 0),
  negative_only: (A) => tf.minimum(A, 0),
  one_only: (A) => tf.greater(A, 0).toFloat(),
  binary: (A) => tf.sign(A),
};
