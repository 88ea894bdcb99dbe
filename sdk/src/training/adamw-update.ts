import { tf } from '../tensorflow';

/** Parameters with their gradients and running moments, in one order. */
export interface AdamWTensors {
  parameters: tf.Tensor[];
  gradients: tf.Tensor[];
  means: tf.Tensor[];
  squares: tf.Tensor[];
}

/** What AdamW's step is made of. */
export interface AdamWSettings {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
}

/**
 * The numbers of step t as one float32 tensor, so that a recorded update serves all steps. Both bias corrections are on
 * numbers, not on tensors: m / c1 / (sqrt(v / c2) + eps) = m sqrt(c2) / c1 / (sqrt(v) + eps sqrt(c2)).
 */
export function adamwCoefficients(settings: AdamWSettings, t: number): tf.Tensor1D {
  const { lr, betas, eps, weightDecay } = settings;
  const [beta1, beta2] = betas;
  const root = Math.sqrt(1 - beta2 ** t);
  const rate = (lr * root) / (1 - beta1 ** t);
  return tf.tensor1d([1 - lr * weightDecay, beta1, 1 - beta1, beta2, 1 - beta2, eps * root, rate]);
}

/** New parameters and moments; gradients are used up. */
export function adamwUpdate(
  tensors: AdamWTensors & Record<string, tf.Tensor[]>,
  coefficients: tf.Tensor1D,
): { parameters: tf.Tensor[]; means: tf.Tensor[]; squares: tf.Tensor[] } {
  const [kept, beta1, rest1, beta2, rest2, eps, rate] = tf.unstack(coefficients);
  const average = (before: tf.Tensor, beta: tf.Tensor, value: tf.Tensor, rest: tf.Tensor) =>
    tf.add(tf.mul(before, beta), tf.mul(value, rest));
  const means = tensors.means.map((m, k) => average(m, beta1, tensors.gradients[k], rest1));
  const squares = tensors.squares.map((v, k) =>
    average(v, beta2, tf.square(tensors.gradients[k]), rest2),
  );
  const parameters = tensors.parameters.map((p, k) => {
    const update = tf.div(tf.mul(means[k], rate), tf.add(tf.sqrt(squares[k]), eps));
    return tf.sub(tf.mul(p, kept), update);
  });
  return { parameters, means, squares };
}
