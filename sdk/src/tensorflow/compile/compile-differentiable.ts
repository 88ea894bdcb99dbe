import { tf } from '../backend';
import { recordingBackend } from './binding';
import { compile, type CompileOptions, type CompiledFunction } from './compile';
import { flattenTree, replaceTensors, type TensorTree } from './tensor-tree';

/** How `compileDifferentiable` treats a function. */
export interface CompileDifferentiableOptions extends CompileOptions {
  /** The variables that gradients are taken of, asked for at each recording. */
  variables: () => readonly tf.Variable[];
}

/** Runs `fn` as if no gradient were being taken around it. */
function outsideTape<Result>(fn: () => Result): Result {
  const { state } = tf.engine();
  const { gradientDepth, kernelDepth, activeTape } = state;
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape });
  }
}

/**
 * Like `compile`, for a function whose gradient with respect to variables is wanted: under
 * `tf.variableGrads` it is one operation, whose gradient is a second graph.
 *
 * The backward graph computes the forward pass again instead of keeping its activations, so a call
 * costs one forward pass more and far less memory. The forward graph is the same with and without
 * gradients: a replay gives the same bits as the first run.
 *
 * @param fn Takes trees of tensors and returns one tensor. Gradients with respect to its arguments
 *   are not taken.
 * @example
 * const w = tf.variable(tf.scalar(3));
 * const scale = compileDifferentiable((x: tf.Tensor) => tf.mul(x, w), { variables: () => [w] });
 * tf.variableGrads(() => tf.sum(scale(tf.tensor1d([1, 2]))), [w]).grads[w.name]; // 3
 */
export function compileDifferentiable<Arguments extends TensorTree[]>(
  fn: (...args: Arguments) => tf.Tensor,
  { variables, ...options }: CompileDifferentiableOptions,
): CompiledFunction<Arguments, tf.Tensor> {
  const forward = compile(fn, options);
  if (recordingBackend() === null) return forward;
  const backward = compile(
    (dy: tf.Tensor, ...args: Arguments) => {
      const { grads } = tf.variableGrads(
        () => tf.sum(tf.mul(fn(...args), dy)) as tf.Scalar,
        [...variables()],
      );
      return Object.fromEntries(Object.entries(grads).filter(([, gradient]) => gradient !== null));
    },
    { ...options, name: `${options.name ?? fn.name}, backward` },
  );

  const connected = new Map<string, string[]>();
  /** The variables that the result depends on: the backward graph gives a gradient for each. */
  const connectedVariables = (y: tf.Tensor, args: Arguments): tf.Variable[] => {
    const { signature } = flattenTree(args);
    const all = variables();
    const key = `${signature} ${all.map(({ name }) => name)}`;
    if (!connected.has(key)) {
      const gradients = outsideTape(() => tf.tidy(() => backward(tf.zerosLike(y), ...args)));
      connected.set(key, Object.keys(gradients));
      tf.dispose(gradients);
    }
    const names = new Set(connected.get(key));
    return all.filter(({ name }) => names.has(name));
  };

  const call = (...args: Arguments): tf.Tensor => {
    if (!tf.engine().isTapeOn()) return forward(...args);
    const y = outsideTape(() => forward(...args));
    const used = connectedVariables(y, args);
    const operation = tf.customGrad((...inputs) => {
      const save = inputs[inputs.length - 1] as unknown as tf.GradSaveFunc;
      save(flattenTree(args).tensors);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const gradients = outsideTape(() => backward(dy, ...replaceTensors(args, saved)));
        return used.map(({ name }) => gradients[name]);
      };
      return { value: y, gradFunc };
    });
    return operation(...used);
  };
  return Object.defineProperties(call, {
    signatureCount: { get: () => forward.signatureCount + backward.signatureCount },
    dispose: {
      value: () => {
        forward.dispose();
        backward.dispose();
        connected.clear();
      },
    },
  }) as CompiledFunction<Arguments, tf.Tensor>;
}
