import { RandomKey } from '../core/random-key';
import { randomUniform, tf } from '../tensorflow';

/** Other values than PyTorch's for some tensors: by name, or null for the usual ones. */
export type InitialValues = (name: string, shape: readonly number[]) => tf.Tensor | null;

/**
 * New weights, as PyTorch starts layers: a layer's weight (out, in, ...) and its bias are uniform within 1 / sqrt(fan-in),
 * gains of norms are 1, their biases 0. Each tensor follows from the key and its name alone.
 *
 * @param shapes Every tensor: name to shape.
 * @param key What the random numbers follow from.
 * @param values Gives a tensor its values where they are not the usual ones; they are taken over.
 * @returns The caller owns the tensors.
 * @throws When such a tensor has another shape than `shapes` says.
 *
 * @example
 * const weights = initialWeights(new Map([['proj.weight', [4, 16]]]), RandomKey.fromSeed(1));
 * weights.get('proj.weight')!.shape; // [4, 16]
 */
export function initialWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  key: RandomKey,
  values: InitialValues = () => null,
): Map<string, tf.Tensor> {
  const weights = new Map<string, tf.Tensor>();
  for (const [name, shape] of shapes) {
    const given = values(name, shape);
    if (given !== null && given.shape.join() !== shape.join()) {
      throw new Error(
        `Cannot start "${name}" as its shape must be [${shape.join()}]: current value has [${given.shape.join()}]`,
      );
    }
    weights.set(name, given ?? usualValues(name, shape, shapes, key.fold(name)));
  }
  return weights;
}

function usualValues(
  name: string,
  shape: readonly number[],
  shapes: ReadonlyMap<string, readonly number[]>,
  key: RandomKey,
): tf.Tensor {
  const isBias = name.endsWith('bias');
  const weight = isBias ? shapes.get(`${name.slice(0, -'bias'.length)}weight`) : shape;
  const isLayer = weight !== undefined && weight.length > 1 && !name.endsWith('gamma');
  if (!isLayer) return isBias ? tf.zeros([...shape]) : tf.ones([...shape]);
  const fanIn = weight.slice(1).reduce((product, length) => product * length, 1);
  const bound = 1 / Math.sqrt(fanIn);
  return tf.tidy(() => tf.mul(tf.sub(randomUniform(key, [...shape]), 0.5), 2 * bound));
}
