import { tf } from '../tensorflow';
import type { ModelInputs, ModelMixin } from './model-mixin';
import { predict } from './predict';

/** Length of each vector along the last axis, kept as an axis of 1. */
function lengthOf(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x), -1, true));
}

/**
 * True classifier-free guidance with Qwen-Image's rescaling: v = v- + g (v+ - v-), brought back to the
 * length of v+ along the last axis.
 *
 * Source: diffusers `QwenImagePipeline`.
 *
 * @param positive Prediction for the prompt, v+ (B, S, C).
 * @param negative Prediction for the negative prompt, v- (B, S, C).
 * @param scale g; 1 gives v+.
 * @returns (B, S, C). The caller owns it.
 *
 * @example
 * combineTrueCfg(tf.tensor3d([[[3, 4]]]), tf.tensor3d([[[0, 1]]]), 1); // [[[3, 4]]]
 */
export function combineTrueCfg(positive: tf.Tensor, negative: tf.Tensor, scale: number): tf.Tensor {
  return tf.tidy(() => {
    const combined = tf.add(negative, tf.mul(tf.sub(positive, negative), scale));
    return tf.mul(combined, tf.div(lengthOf(positive), lengthOf(combined)));
  });
}

/**
 * The velocity that a replayed step goes by: the model's prediction, guided when `trueCfgScale` is above 1.
 *
 * @returns (B, S, C)
 * @throws As `predictTrueCfg`.
 */
export function predictVelocity(
  module: ModelMixin,
  inputs: ModelInputs,
  negativeInputs: ModelInputs | null,
  trueCfgScale: number,
): tf.Tensor {
  return trueCfgScale > 1
    ? predictTrueCfg(module, inputs, negativeInputs, trueCfgScale)
    : predict(module, inputs);
}

/**
 * The model's prediction, guided by any scale. Rollout and training both come here.
 *
 * @returns (B, S, C)
 * @throws When there is nothing to guide away from.
 */
export function predictTrueCfg(
  module: ModelMixin,
  inputs: ModelInputs,
  negativeInputs: ModelInputs | null,
  trueCfgScale: number,
): tf.Tensor {
  if (negativeInputs === null || negativeInputs.encoder_hidden_states === null) {
    throw new Error(
      `Cannot apply true classifier-free guidance as it needs embeddings of a negative prompt: current true_cfg_scale is ${trueCfgScale}`,
    );
  }
  const positive = predict(module, inputs);
  return combineTrueCfg(positive, predict(module, negativeInputs), trueCfgScale);
}
