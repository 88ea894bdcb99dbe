import { tf } from '../backend';
import { handleOf, type RecordingBackend } from './binding';
import { defineOnce, type GraphFunction } from './graph-function';
import type { CapturedTensor } from './record';
import type { CacheEntry } from './recording-cache';
import { keyInStore, readFromStore, writeToStore } from './recording-store';
import { flattenTree, type TensorTree } from './tensor-tree';

/** What a function depends on besides tensors' values. */
export interface ClosedOver {
  /**
   * Equal in every process in which the function does the same: what its arguments are, and all that it takes from outside. Of
   * tensors in it, shapes and types count.
   */
  identity: TensorTree;
  /** Variables that it may read, by names that are the same in every process. */
  variables: ReadonlyMap<string, tf.Variable>;
}

/** A recording as functions, and what it takes to call them. */
interface Entry extends CacheEntry {
  /** Shape and type of the result; has no values. */
  outline: tf.Tensor;
  /** Variables that the result depends on. */
  used?: tf.Variable[];
  /** Places in what is fed that the gradient's function takes again. */
  fedAgain?: number[];
}

/** What lies in a file. */
interface Written {
  functions: { name: string; outputCount: number; called: string[]; definition: Uint8Array }[];
  /** Definitions of the functions that those call. */
  called: Uint8Array[];
  variables: string[];
  captured: { shape: number[]; dtype: number; bytes: Uint8Array }[];
  outline: { shape: number[]; dtype: tf.DataType };
  used: string[];
  fedAgain: number[];
}

/** How the binding takes values, by TensorFlow's number of their type; tensors of other types are not kept. */
const ARRAYS = new Map<number, typeof Float32Array | typeof Int32Array | typeof Uint8Array>([
  [1, Float32Array],
  [3, Int32Array],
  [10, Uint8Array],
]);

/** A recording's place on disk. */
export class StoredRecording {
  readonly #key: string;

  private constructor(
    key: string,
    readonly backend: RecordingBackend,
    readonly closedOver: ClosedOver,
  ) {
    this.#key = key;
  }

  /**
   * The place of a function's recording, or null where it is not known what the function closes over, or nothing is kept.
   *
   * @param tensors Of the arguments.
   * @param how What else makes a difference to the functions.
   */
  static of(
    backend: RecordingBackend,
    { closedOver }: { closedOver?: (...args: never[]) => ClosedOver | null },
    args: readonly TensorTree[],
    tensors: readonly tf.Tensor[],
    how: readonly unknown[],
  ): StoredRecording | null {
    const known = closedOver?.(...(args as never[])) ?? null;
    if (known === null) return null;
    // A tensor of bfloat16 has the name of another type.
    const types = tensors.map(({ dataId }) => handleOf(backend, dataId).dtype);
    const key = keyInStore([flattenTree(known.identity).signature, types, how]);
    return key === null ? null : new StoredRecording(key, backend, known);
  }

  /** What was written, or null. */
  read(): Required<Entry> | null {
    const written = readFromStore(this.#key) as Written | null;
    if (written === null) return null;
    const { binding } = this.backend;
    const variableOf = (name: string) => this.closedOver.variables.get(name) as tf.Variable;
    const functions = written.functions.map(({ name, outputCount, called, definition }) =>
      defineOnce(binding, name, outputCount, () => {
        [...written.called, definition].forEach((bytes) => binding.addFunction(bytes));
        return called;
      }),
    );
    const captured = written.captured.map(({ shape, dtype, bytes }): CapturedTensor => {
      const values = valuesOf(bytes, dtype);
      return { id: binding.createTensor(shape, dtype, values), shape, dtype, isFromOutside: false };
    });
    const outline = tf.zeros(written.outline.shape, written.outline.dtype);
    outline.dispose();
    return {
      fed: {
        variables: written.variables.map((name) => ({ variable: variableOf(name) })),
        captured,
      },
      functions,
      outline,
      used: written.used.map(variableOf),
      fedAgain: written.fedAgain,
    };
  }

  /** Keeps a recording, unless it took something from outside that is not among what the function closes over. */
  write({ fed, functions, outline, used = [], fedAgain = [] }: Entry): void {
    const { binding } = this.backend;
    const names = new Map(
      [...this.closedOver.variables].map(([name, variable]) => [variable, name]),
    );
    const nameOf = (variable: tf.Variable) => names.get(variable);
    const variables = fed.variables.map(({ variable }) => nameOf(variable));
    const isKnown = ({ isFromOutside, dtype }: CapturedTensor) =>
      !isFromOutside && ARRAYS.has(dtype);
    if (variables.includes(undefined) || !fed.captured.every(isKnown)) return;
    const called = new Set(functions.flatMap(({ called }) => called));
    writeToStore(this.#key, {
      functions: functions.map(({ name, outputCount, called }: GraphFunction) => ({
        name,
        outputCount,
        called: [...called],
        definition: binding.functionDefinition(name),
      })),
      called: [...called].map((name) => binding.functionDefinition(name)),
      variables: variables as string[],
      captured: fed.captured.map(({ id, shape, dtype }) => {
        const { buffer, byteOffset, byteLength } = binding.tensorDataSync(id);
        return { shape, dtype, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
      }),
      outline: { shape: outline.shape, dtype: outline.dtype },
      used: used.map(nameOf) as string[],
      fedAgain,
    } satisfies Written);
  }
}

/** Bytes of a file as the values that they are. */
function valuesOf(bytes: Uint8Array, dtype: number): ArrayBufferView {
  // A part of a file's bytes need not begin where numbers may.
  const { buffer } = new Uint8Array(bytes);
  return new (ARRAYS.get(dtype) as typeof Float32Array)(buffer);
}
