import { tf } from '../tensorflow';
import type { LossOutput } from './loss';

/** A loss with its gradients. The tensors belong to the caller; `dispose` frees them all. */
export interface LossGradients {
  loss: tf.Scalar;
  /** By the variables' names as given; a variable that the loss does not depend on is missing. */
  gradients: Map<string, tf.Tensor>;
  /** Reads the loss (as `loss`) and the metrics from the device, all in one transfer. */
  readMetrics(): Record<string, number>;
  /** Frees loss and gradients. */
  dispose(): void;
}

/**
 * Gradients of a loss with respect to variables, with the loss's metrics beside them.
 *
 * @param compute Computes the loss; called once, inside the gradient's scope.
 * @param variables By name, as a model's parameters.
 * @throws What `compute` throws; nothing is leaked then.
 *
 * @example
 * const mean = tf.variable(tf.zeros([2, 3, 4]));
 * const { gradients, readMetrics, dispose } = lossGradients(
 *   () =>
 *     computeLoss('kl', {
 *       prev_sample_mean: mean,
 *       ref_prev_sample_mean: tf.ones([2, 3, 4]),
 *       std_dev_t: tf.scalar(0.5),
 *     }),
 *   new Map([['mean', mean]]),
 * );
 * readMetrics(); // { loss: 2, 'actor/kl_loss': 2 }
 * dispose();
 */
export function lossGradients(
  compute: () => LossOutput,
  variables: ReadonlyMap<string, tf.Variable>,
): LossGradients {
  let metrics: [string, tf.Tensor][] = [];
  const failures: unknown[] = [];
  const list = [...variables.values()];
  const { value: loss, grads } = tf.variableGrads(() => {
    try {
      const output = compute();
      metrics = Object.entries(output.metrics).map(([name, value]) => [name, tf.keep(value)]);
      return output.loss;
    } catch (error) {
      // TensorFlow.js frees what a forward pass saved only after a backward pass: give it one.
      failures.push(error);
      return tf.sum(list[0]);
    }
  }, list);
  if (failures.length > 0) {
    tf.dispose([loss, ...Object.values(grads)]);
    throw failures[0];
  }
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, variable] of variables) {
    const gradient = grads[variable.name];
    if (gradient) gradients.set(name, gradient);
  }
  return {
    loss,
    gradients,
    readMetrics() {
      const names = ['loss', ...metrics.map(([name]) => name)];
      const scalars = [loss, ...metrics.map(([, value]) => value as tf.Scalar)];
      const values = tf.tidy(() => tf.stack(scalars).dataSync());
      return Object.fromEntries(names.map((name, index) => [name, values[index]]));
    },
    dispose() {
      tf.dispose([loss, ...gradients.values(), ...metrics.map(([, value]) => value)]);
    },
  };
}
