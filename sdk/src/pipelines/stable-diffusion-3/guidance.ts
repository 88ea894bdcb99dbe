import { tf } from '../../tensorflow';
import type { ModelInputs, ModelMixin } from '../model-mixin';
import { predict } from '../predict';

/**
 * The velocity that a replayed step of Stable Diffusion 3 goes by: the model's prediction, guided when `scale` is above 1.
 *
 * @returns (B, C, H, W), differentiable.
 * @throws As `predictCfg`.
 */
export function predictGuided(
  module: ModelMixin,
  inputs: ModelInputs,
  negativeInputs: ModelInputs | null,
  scale: number,
): tf.Tensor {
  return scale > 1 ? predictCfg(module, inputs, negativeInputs, scale) : predict(module, inputs);
}

/**
 * The model's prediction, guided by any scale g: v- + g (v+ - v-), without the rescaling of Qwen-Image. Rollout and
 * training both come here.
 *
 * @returns (B, C, H, W), differentiable.
 * @throws When there are no negative inputs.
 */
export function predictCfg(
  module: ModelMixin,
  inputs: ModelInputs,
  negativeInputs: ModelInputs | null,
  scale: number,
): tf.Tensor {
  if (negativeInputs === null) {
    throw new Error(
      `Cannot apply classifier-free guidance as it needs embeddings of a negative prompt, pooled ones too: current guidance_scale is ${scale}`,
    );
  }
  return tf.tidy(() => {
    const positive = predict(module, inputs);
    const negative = predict(module, negativeInputs);
    return tf.add(negative, tf.mul(tf.sub(positive, negative), scale));
  });
}
