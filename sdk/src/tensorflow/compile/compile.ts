import { tf } from '../backend';
import { handleOf, recordingBackend, type RecordingBackend } from './binding';
import { record, type Recording } from './record';
import { flattenTree, replaceTensors, type TensorTree } from './tensor-tree';

/** How `compile` treats a function. */
export interface CompileOptions {
  /** Name in messages. Default: the function's own. */
  name?: string;
  /** Compile the whole graph with XLA. Default true; false runs TensorFlow's own kernels. */
  xla?: boolean;
  /** Recordings kept; the least recently used is dropped. Default 16. */
  maxSignatures?: number;
}

/** A function that runs as one TensorFlow graph. */
export interface CompiledFunction<Arguments extends TensorTree[], Result extends TensorTree> {
  (...args: Arguments): Result;
  /** Number of recordings held. */
  readonly signatureCount: number;
  /** Lets go of all recordings; the next call records anew. */
  dispose(): void;
}

interface Entry {
  name: string;
  recording: Recording;
}

let functionCount = 0;

function run(backend: RecordingBackend, entry: Entry, inputs: tf.Tensor[]): TensorTree {
  const { recording } = entry;
  const ids = [...inputs, ...recording.variables].map(
    (tensor) => handleOf(backend, tensor.dataId).id,
  );
  const outputs = backend.binding
    .executeOp(entry.name, [], [...ids, ...recording.captured], recording.outputs.length)
    .map((metadata) => backend.createOutputTensor(metadata));
  return replaceTensors(recording.result, outputs);
}

/**
 * Turns a function of tensors into one TensorFlow graph, compiled by XLA.
 *
 * The function is run once for each signature (structure, types, shapes and plain values of its
 * arguments) and its operations are recorded, gradients included. Variables that it reads are fed
 * anew at each call; other tensors from outside are captured as they are. Randomness has to come in
 * as an argument. Without the native backend the function itself is called.
 *
 * @param fn Takes and returns trees of tensors; must not read values or assign variables.
 * @example
 * const norm = compile((x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x))));
 * norm(tf.tensor1d([3, 4])); // 5
 */
export function compile<Arguments extends TensorTree[], Result extends TensorTree>(
  fn: (...args: Arguments) => Result,
  { name = fn.name || 'function', xla = true, maxSignatures = 16 }: CompileOptions = {},
): CompiledFunction<Arguments, Result> {
  const entries = new Map<string, Entry>();
  const backend = recordingBackend();

  const drop = (signature: string, { name: functionName, recording }: Entry): void => {
    entries.delete(signature);
    backend?.binding.removeFunction(functionName);
    release(recording);
  };
  const release = ({ captured }: Recording): void => {
    for (const id of captured) backend?.binding.deleteTensor(id);
  };

  const build = (signature: string, args: Arguments, inputs: tf.Tensor[]): Entry => {
    let recording: Recording;
    try {
      recording = record(backend as RecordingBackend, () => fn(...args), inputs);
    } catch (error) {
      throw new Error(`Cannot compile "${name}": ${(error as Error).message}`, { cause: error });
    }
    const entry = { name: `flowbook_${functionCount++}`, recording };
    const { graph, inputs: inputNames, outputs } = recording;
    try {
      (backend as RecordingBackend).binding.defineFunction(
        entry.name,
        graph,
        inputNames,
        outputs,
        xla,
      );
    } catch (error) {
      release(recording);
      throw new Error(`Cannot compile "${name}": ${(error as Error).message}`, { cause: error });
    }
    entries.set(signature, entry);
    if (entries.size > maxSignatures) {
      const [oldest] = entries;
      drop(...oldest);
    }
    return entry;
  };

  const call = (...args: Arguments): Result => {
    if (backend === null) return fn(...args);
    const { tensors, signature } = flattenTree(args);
    let entry = entries.get(signature);
    if (entry === undefined) entry = build(signature, args, tensors);
    else {
      entries.delete(signature);
      entries.set(signature, entry);
    }
    return run(backend, entry, tensors) as Result;
  };
  return Object.defineProperties(call, {
    signatureCount: { get: () => entries.size },
    dispose: {
      value: () => {
        for (const [signature, entry] of [...entries]) drop(signature, entry);
      },
    },
  }) as CompiledFunction<Arguments, Result>;
}
