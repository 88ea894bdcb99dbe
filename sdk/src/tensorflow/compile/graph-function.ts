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
  const dispose = () => {
    if (--user.count > 0) return;
    users.delete(name);
    binding.removeFunction(name);
  };
  return { name, outputCount, called: user.called, dispose };
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

/** Runs a function on another thread; the inputs may be disposed meanwhile. The tensors belong to no scope. */
export async function runFunctionAsync(
  backend: RecordingBackend,
  { name, outputCount }: GraphFunction,
  inputs: readonly GraphInput[],
  of: string,
): Promise<tf.Tensor[]> {
  const ids = idsOf(backend, inputs, of);
  const results = await backend.binding.runFunction(name, ids, outputCount);
  return results.map((metadata) => tf.keep(backend.createOutputTensor(metadata)));
}
