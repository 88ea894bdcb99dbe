import { tf } from '../backend';
import { handleOf, type RecordingBackend, type RecordingBinding } from './binding';

/** A function of TensorFlow's eager context, made of a part of a graph. */
export interface GraphFunction {
  readonly name: string;
  readonly outputCount: number;
  /** Lets go of it. */
  dispose(): void;
}

/** Functions by name, with the number of those who use them: graphs that are alike share one. */
const users = new Map<string, number>();

/** Defines a function unless one of this name, which is the same, is there. */
export function defineOnce(
  binding: RecordingBinding,
  name: string,
  outputCount: number,
  define: () => void,
): GraphFunction {
  const count = users.get(name) ?? 0;
  if (count === 0) define();
  users.set(name, count + 1);
  const dispose = () => {
    const left = (users.get(name) as number) - 1;
    users.set(name, left);
    if (left > 0) return;
    users.delete(name);
    binding.removeFunction(name);
  };
  return { name, outputCount, dispose };
}

/** What a function is run on: tensors, or ids of handles. */
export type GraphInput = tf.Tensor | number;

function idsOf(backend: RecordingBackend, inputs: readonly GraphInput[]): number[] {
  return inputs.map((input) =>
    typeof input === 'number' ? input : handleOf(backend, input.dataId).id,
  );
}

/** Runs a function. */
export function runFunction(
  backend: RecordingBackend,
  { name, outputCount }: GraphFunction,
  inputs: readonly GraphInput[],
): tf.Tensor[] {
  return backend.binding
    .executeOp(name, [], idsOf(backend, inputs), outputCount)
    .map((metadata) => backend.createOutputTensor(metadata));
}

/** Runs a function on another thread; the inputs may be disposed meanwhile. The tensors belong to no scope. */
export async function runFunctionAsync(
  backend: RecordingBackend,
  { name, outputCount }: GraphFunction,
  inputs: readonly GraphInput[],
): Promise<tf.Tensor[]> {
  const results = await backend.binding.runFunction(name, idsOf(backend, inputs), outputCount);
  return results.map((metadata) => tf.keep(backend.createOutputTensor(metadata)));
}
