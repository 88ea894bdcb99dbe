import { tf } from '../backend';
import { handleOf, type RecordingBackend, type RecordingBinding } from './binding';

/** A function of TensorFlow's eager context, made of a part of a graph. */
export interface GraphFunction {
  readonly name: string;
  readonly outputCount: number;
  /** Names of the functions that it calls. */
  readonly called: readonly string[];
  /** Lets go of it. */
  dispose(): void;
}

/** Functions by name, with the number of those who use them: graphs that are alike share one. */
const users = new Map<string, { count: number; called: readonly string[] }>();

/**
 * Defines a function unless one of this name, which is the same, is there.
 *
 * @param define Gives the names of the functions that it calls.
 */
export function defineOnce(
  binding: RecordingBinding,
  name: string,
  outputCount: number,
  define: () => readonly string[],
): GraphFunction {
  const user = users.get(name) ?? { count: 0, called: define() };
  user.count++;
  users.set(name, user);
  return { name, outputCount, called: user.called, dispose: () => letGo(binding, name) };
}

/** One user less of a function; without any TensorFlow forgets it. */
function letGo(binding: RecordingBinding, name: string): void {
  const user = users.get(name)!;
  if (--user.count > 0) return;
  users.delete(name);
  binding.removeFunction(name);
}

/** What a function is run on: tensors, or ids of handles. */
export type GraphInput = tf.Tensor | number;

function idsOf(backend: RecordingBackend, inputs: readonly GraphInput[], of: string): number[] {
  return inputs.map((input) => {
    if (typeof input === 'number') return input;
    if (!input.isDisposed) return handleOf(backend, input.dataId).id;
    const which =
      input instanceof tf.Variable
        ? `the variables that it reads must not be disposed: "${input.name}" was`
        : `its arguments must not be disposed: one of shape (${input.shape}) was`;
    throw new Error(`Cannot run compiled "${of}" as ${which}`);
  });
}

/** Runs a function. @param of The compiled function's name, in messages. */
export function runFunction(
  backend: RecordingBackend,
  { name, outputCount }: GraphFunction,
  inputs: readonly GraphInput[],
  of: string,
): tf.Tensor[] {
  return backend.binding
    .executeOp(name, [], idsOf(backend, inputs, of), outputCount)
    .map((metadata) => backend.createOutputTensor(metadata));
}

/**
 * Runs a function on another thread; the inputs may be disposed meanwhile, and the function itself: TensorFlow, which may still be
 * building what it runs, must not forget it before. The tensors belong to no scope.
 */
export async function runFunctionAsync(
  backend: RecordingBackend,
  { name, outputCount }: GraphFunction,
  inputs: readonly GraphInput[],
  of: string,
): Promise<tf.Tensor[]> {
  const ids = idsOf(backend, inputs, of);
  const user = users.get(name);
  if (user === undefined) {
    throw new Error(`Cannot run compiled "${of}" as it must not be disposed: it was`);
  }
  user.count++;
  try {
    const results = await backend.binding.runFunction(name, ids, outputCount);
    return results.map((metadata) => tf.keep(backend.createOutputTensor(metadata)));
  } finally {
    letGo(backend.binding, name);
  }
}
