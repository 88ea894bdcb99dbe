import { tf, tidyResult, type TensorTree } from '../../tensorflow';
import { outsideTape } from '../../tensorflow/compile/outside-tape';
import { flattenTree, replaceTensors } from '../../tensorflow/compile/tensor-tree';
import { computedAfter } from './computed-after';
import { differentiable } from './differentiable';

type TapeNode = ReturnType<typeof tf.engine>['state']['activeTape'][number];

/**
 * A function that computes the same, and keeps nothing but its arguments for the gradient: the gradient runs it again
 * (gradient checkpointing; Chen et al. 2016, arXiv 1604.06174). A forward pass more, for the memory of what lies between.
 *
 * Gradients reach the arguments and the variables that `fn` uses. Without a gradient being taken, `fn` is simply called.
 * It may be nested, and be part of a compiled function.
 *
 * @param fn Takes and returns trees of tensors. Tensors have to come in as arguments, as those from outside may be gone
 *   when it runs again; variables need not.
 * @throws At the gradient of a gradient.
 * @example
 * const w = tf.variable(tf.scalar(3));
 * const cube = remat((x: tf.Tensor) => tf.mul(tf.mul(x, w), tf.square(x)));
 * tf.variableGrads(() => tf.sum(cube(tf.tensor1d([1, 2]))), [w]).grads[w.name]; // 9
 */
export function remat<Arguments extends TensorTree[], Result extends TensorTree>(
  fn: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  return (...args) => {
    const engine = tf.engine();
    if (!engine.isTapeOn()) return tidyResult(() => fn(...args));
    const { tensors } = flattenTree(args);
    const { result, outputs, sources } = withSources(() => fn(...args));
    const variables = [...sources].filter((tensor) => tensor instanceof tf.Variable);
    const places = [...tensors, ...variables];
    const saved = tensors.map((tensor) => tf.keep(tensor.clone()));
    const again = (ordered: tf.Tensor[]) =>
      flattenTree(fn(...replaceTensors(args, ordered))).tensors;
    engine.state.activeTape.push({
      id: engine.state.nextTapeNodeId++,
      kernelName: 'remat',
      inputs: Object.fromEntries([...places.entries()].filter(([, x]) => sources.has(x))),
      outputs,
      saved,
      // tfjs calls this on a copy of the node that has those inputs left whose gradient is asked for.
      gradient(this: TapeNode, dys: (tf.Tensor | null)[]) {
        const asked = Object.keys(this.inputs);
        const gradients = gradientsAgain(again, saved, dys, (ordered) =>
          asked.map((place) => [...ordered, ...variables][Number(place)]),
        );
        return Object.fromEntries(asked.map((place, at) => [place, () => gradients[at]]));
      },
    });
    return result;
  };
}

/** Runs `fn`, and finds the tensors from outside that its result depends on, through operations with a gradient. */
function withSources<Result extends TensorTree>(
  fn: () => Result,
): { result: Result; outputs: tf.Tensor[]; sources: Set<tf.Tensor> } {
  return outsideTape(() => {
    const { state } = tf.engine();
    const tape: TapeNode[] = [];
    Object.assign(state, { activeTape: tape, gradientDepth: 1 });
    try {
      const result = tidyResult(() => {
        const made = fn();
        // Tensors of their own: what passes through unchanged would be its own gradient.
        const copies = flattenTree(made).tensors.map((tensor) => tensor.clone());
        return replaceTensors(made, copies);
      });
      const outputs = flattenTree(result).tensors;
      return { result, outputs, sources: sourcesOf(outputs, tape) };
    } finally {
      tape.forEach(({ saved }) => tf.dispose(saved));
    }
  });
}

/** Every tensor that `outputs` depend on. */
function sourcesOf(outputs: readonly tf.Tensor[], tape: readonly TapeNode[]): Set<tf.Tensor> {
  const ids = new Set(outputs.map(({ id }) => id));
  const sources = new Set<tf.Tensor>();
  for (const node of [...tape].reverse()) {
    if (!node.outputs.some(({ id }) => ids.has(id))) continue;
    for (const input of Object.values(node.inputs)) {
      ids.add(input.id);
      if (input.dtype === 'float32') sources.add(input);
    }
  }
  return sources;
}

/**
 * Runs a function again for its gradients.
 *
 * @param dys The gradients of its results; null where there is none.
 * @param select Of the arguments of the second run, and of variables, those whose gradients are wanted.
 */
function gradientsAgain(
  again: (tensors: tf.Tensor[]) => tf.Tensor[],
  saved: readonly tf.Tensor[],
  dys: readonly (tf.Tensor | null)[],
  select: (tensors: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] {
  const engine = tf.engine();
  if (engine.isTapeOn()) {
    throw new Error(
      'Cannot take the gradient of a gradient through remat() as what it runs again is on no tape: disable gradient checkpointing',
    );
  }
  const given = dys.filter((dy) => dy !== null);
  return outsideTape(() =>
    tf.tidy(() => {
      // Not before the gradient is there: a compiled graph would run it early, or find that it has run it already.
      const tensors = saved.map((x) => (x.dtype === 'float32' ? computedAfter(x, given) : x));
      const xs = select(tensors);
      const { grads } = engine.gradients(
        () => {
          const ys = again(tensors).filter((_, at) => dys[at] !== null);
          return differentiable(
            ys,
            () => tf.scalar(0),
            () => given.map((dy) => () => dy.clone()),
          );
        },
        xs,
        undefined,
        true,
      );
      return xs.map(({ shape }, at) => (grads[at] as tf.Tensor | null) ?? tf.zeros(shape));
    }),
  );
}
