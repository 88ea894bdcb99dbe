import { tf } from '../backend';
import { recordingBackend, type RecordingBackend } from './binding';
import type { GraphFunction, GraphInput } from './graph-function';
import { placeOf } from './place-of';
import type { Fed, Recording } from './record';
import { flattenTree, type TensorTree } from './tensor-tree';

/** The functions made of a recording, with what they are fed. */
export interface CacheEntry {
  fed: Fed;
  functions: readonly GraphFunction[];
}

/** Recordings by signature; the least recently used goes first. */
export class RecordingCache<Entry extends CacheEntry> {
  readonly #entries = new Map<string, Entry>();
  readonly #most: number;
  readonly #name: string;

  /** @param name Of the function, in messages. */
  constructor(name: string, most: number) {
    this.#name = name;
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * The recording for these arguments.
   *
   * @param make Records, when there is none.
   */
  entryFor(
    args: TensorTree,
    make: (inputs: tf.Tensor[]) => Entry,
  ): { entry: Entry; inputs: tf.Tensor[] } {
    const { tensors, signature } = flattenTree(args);
    let entry = this.#entries.get(signature);
    if (entry === undefined) {
      try {
        entry = make(tensors);
      } catch (error) {
        const { message } = error as Error;
        const place = placeOf(error as Error);
        const where = place === null ? '' : ` (${place})`;
        throw new Error(`Cannot compile "${this.#name}": ${message}${where}`, { cause: error });
      }
    }
    this.#entries.delete(signature);
    this.#entries.set(signature, entry);
    if (this.#entries.size > this.#most) {
      const [oldest] = this.#entries;
      this.#drop(...oldest);
    }
    return { entry, inputs: tensors };
  }

  dispose(): void {
    for (const [signature, entry] of [...this.#entries]) this.#drop(signature, entry);
  }

  #drop(signature: string, { fed, functions }: Entry): void {
    this.#entries.delete(signature);
    for (const one of functions) one.dispose();
    releaseFed(fed);
  }
}

/** Lets go of the tensors that a recording holds. */
export function releaseFed({ captured }: Fed): void {
  const { binding } = recordingBackend() as RecordingBackend;
  for (const { id } of captured) binding.deleteTensor(id);
}

/** Places of everything that is fed to a recording: arguments, variables, captured tensors. */
export function fedPlaces({ inputs, variables, captured }: Recording): number[] {
  return [...inputs, ...variables.map(({ value }) => value), ...captured.map(({ value }) => value)];
}

/** What is fed at those places. */
export function fedInputs({ variables, captured }: Fed, inputs: tf.Tensor[]): GraphInput[] {
  return [...inputs, ...variables.map(({ variable }) => variable), ...captured.map(({ id }) => id)];
}
