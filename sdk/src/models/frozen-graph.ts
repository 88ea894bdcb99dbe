import { compile, nativeBackend, type CompiledFunction, type TensorTree, tf } from '../tensorflow';
import { flattenTree, replaceTensors } from '../tensorflow/compile/tensor-tree';

/** Graphs of a component's part that are kept, one for each shape of its inputs. */
const RECORDINGS = 16;

/** A part of a component whose weights are never trained. */
export interface FrozenGraph<Arguments extends TensorTree[], Result extends TensorTree> {
  run(...args: Arguments): Result;
  dispose(): void;
}

/** What stands in for the runs of frozen graphs, while `frozenGraphsElsewhere` goes through its work. */
let standIn:
  ((graph: CompiledFunction<TensorTree[], TensorTree>, args: TensorTree[]) => TensorTree) | null =
  null;

/**
 * Runs a function as one graph, which takes half the time of its operations one by one. TensorFlow's own kernels are there
 * at once and convolve faster than XLA's. Where a gradient is being taken, the operations run by themselves: it flows
 * through them to the inputs.
 *
 * @param name In messages.
 * @param fn Must not read values; tensors from outside are taken as they are at the first call.
 */
export function frozenGraph<Arguments extends TensorTree[], Result extends TensorTree>(
  name: string,
  fn: (...args: Arguments) => Result,
): FrozenGraph<Arguments, Result> {
  const compiled: CompiledFunction<Arguments, Result> = compile(fn, {
    name,
    xla: false,
    maxSignatures: RECORDINGS,
  });
  const asked = compiled as unknown as CompiledFunction<TensorTree[], TensorTree>;
  return {
    run(...args) {
      if (tf.engine().isTapeOn()) return fn(...args);
      return standIn === null ? compiled(...args) : (standIn(asked, args) as Result);
    },
    dispose: () => compiled.dispose(),
  };
}

/**
 * Runs `work`, its frozen graphs on another thread, so that this one stays free. The result is the same to the last bit.
 *
 * What a graph is run on must not depend on what another one gave: `work` is first gone through with zeros in place of
 * what graphs give. Without the native library, or without a frozen graph in it, `work` runs where it is.
 *
 * @param work Without side effects; may be called twice.
 * @returns What `work` returns; the caller owns it.
 */
export async function frozenGraphsElsewhere<Result extends tf.TensorContainer>(
  work: () => Result,
): Promise<Result> {
  if (nativeBackend() === null) return work();
  const runs: (() => Promise<TensorTree>)[] = [];
  const held: tf.Tensor[] = [];
  const given: TensorTree[] = [];
  try {
    const rehearsed = tf.tidy(() => {
      const result = withStandIn((graph, args) => {
        const kept = flattenTree(args).tensors.map((tensor) => tf.keep(tensor.clone()));
        held.push(...kept);
        const call = graph.prepare(...replaceTensors(args, kept));
        runs.push(() => call.run());
        return withTensors(call.outline, ({ shape, dtype }) => tf.zeros(shape, dtype));
      }, work);
      return runs.length === 0 ? result : undefined;
    });
    if (runs.length === 0) return rehearsed as Result;
    for (const run of runs) given.push(await run());
    let at = 0;
    const next = () => withTensors(given[at++], (tensor) => tensor.clone());
    return tf.tidy(() => withStandIn(next, work));
  } finally {
    tf.dispose(held);
    tf.dispose(given.flatMap((tree) => flattenTree(tree).tensors));
  }
}

function withStandIn<Result>(other: NonNullable<typeof standIn>, work: () => Result): Result {
  standIn = other;
  try {
    return work();
  } finally {
    standIn = null;
  }
}

function withTensors(tree: TensorTree, make: (tensor: tf.Tensor) => tf.Tensor): TensorTree {
  return replaceTensors(tree, flattenTree(tree).tensors.map(make));
}
