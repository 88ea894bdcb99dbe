import { isBfloat16, type ClosedOver, type TensorTree, type tf } from '../tensorflow';
import { QwenImageTransformer2DModel } from './qwen-image/transformer';
import { SD3Transformer2DModel } from './stable-diffusion-3/transformer';

/** Classes whose forward passes depend on nothing but what is listed here. */
const CLASSES: readonly unknown[] = [QwenImageTransformer2DModel, SD3Transformer2DModel];

/**
 * What a model's prediction depends on besides the values of its inputs and weights; null for a model of another class, of which that is
 * not known.
 *
 * @param inputs Of the forward pass.
 */
export function closedOverBy(model: object, inputs: TensorTree): ClosedOver | null {
  if (!CLASSES.includes(model.constructor) || Object.hasOwn(model, 'forward')) return null;
  const { modelIndexEntry, config, parameters, adapters, isGradientCheckpointing } = model as
    QwenImageTransformer2DModel | SD3Transformer2DModel;
  const variables = new Map<string, tf.Variable>(parameters);
  const sets = adapters.active.map((name) => {
    const layers = [...adapters.get(name)].map(([path, { A, B, rank, alpha }]) => {
      variables.set(`${name}: A of ${path}`, A).set(`${name}: B of ${path}`, B);
      return [path, rank, alpha];
    });
    return [name, adapters.weightOf(name), layers];
  });
  const weights = [...variables].map(([name, variable]) => [
    name,
    variable.trainable,
    isBfloat16(variable),
    variable as tf.Tensor,
  ]);
  const about = [modelIndexEntry, config, adapters.enabled, sets, isGradientCheckpointing];
  return {
    identity: [about as unknown as TensorTree, weights as unknown as TensorTree, inputs],
    variables,
  };
}
