import { tf } from '../../tensorflow';

/** Keeps tensors for the backward pass; without a gradient being taken it does nothing. */
export type Save = (tensors: tf.Tensor[]) => void;

/** The gradient to one input, computed when someone asks for it. */
export type Gradient = () => tf.Tensor;

interface CustomKernelRunner {
  runKernelFunc(kernel: {
    inputs: Record<string, tf.Tensor>;
    forwardFunc: (backend: unknown, save: Save) => tf.Tensor;
    backwardsFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => Record<string, Gradient>;
  }): tf.Tensor;
}

/**
 * Runs a function with a gradient written by hand. As `tf.customGrad`, but a gradient that nobody asks for is not
 * computed: frozen weights cost nothing.
 *
 * @param inputs What gradients flow to.
 * @param forward Computes the result and saves what the gradients need. Its other tensors are disposed.
 * @param backward Given the gradient of the result and what was saved, one function an input, in order.
 * @example
 * const square = (x: tf.Tensor) =>
 *   differentiable([x], (save) => (save([x]), tf.square(x)), (dy, [x]) => [() => tf.mul(dy, tf.mul(x, 2))]);
 */
export function differentiable<Result extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => Result,
  backward: (dy: Result, saved: tf.Tensor[]) => readonly Gradient[],
): Result {
  // tf.customGrad is this same call with every gradient computed at once.
  const engine = tf.engine() as unknown as CustomKernelRunner;
  return engine.runKernelFunc({
    inputs: byIndex(inputs),
    forwardFunc: (_backend, save) => forward(save),
    backwardsFunc: (dy, saved) => byIndex(backward(dy as Result, saved)),
  }) as Result;
}

function byIndex<Value>(values: readonly Value[]): Record<string, Value> {
  return Object.fromEntries(values.entries());
}
