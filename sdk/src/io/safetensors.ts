import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { tf } from '../tensorflow';
import {
  headerLength,
  invalidFile,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsInfo,
} from './safetensors-header';
import { holdFloats, type HoldFloats } from './hold-floats';
import { readNatively, readsNatively } from './read-natively';
import { tensorFromBytes } from './tensor-from-bytes';

/** Node reads at most 2 GiB in one call. */
const LARGEST_READ = 2 ** 30;

const asFloat32: HoldFloats = () => 'float32';

/** Bytes that are read at once; of half precision, as many are held besides what becomes of them. */
const LARGEST_GROUP = 2 ** 28;

/**
 * An open safetensors file. Its header is read and checked at once, each tensor's bytes when it is asked for.
 *
 * Format: https://huggingface.co/docs/safetensors (eight-byte length, JSON header, data).
 *
 * @example
 * const file = openSafetensors('datasets/tiny-qwen-image/transformer/diffusion_pytorch_model.safetensors');
 * const weight = file.tensor('img_in.weight');
 * file.close();
 */
export class SafetensorsFile {
  readonly #header: SafetensorsHeader;
  readonly #dataStart: number;
  #descriptor: number | null;

  /** @throws When the file cannot be opened or breaks a rule of the format. */
  constructor(readonly path: string) {
    this.#descriptor = openFile(path);
    try {
      const fileBytes = fstatSync(this.#descriptor).size;
      const headerBytes = headerLength(this.#read(0, Math.min(8, fileBytes)), fileBytes, path);
      this.#dataStart = 8 + headerBytes;
      this.#header = parseSafetensorsHeader(
        this.#read(8, headerBytes),
        fileBytes - this.#dataStart,
        path,
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Metadata and tensors, as the header describes them. */
  get header(): SafetensorsHeader {
    return this.#header;
  }

  /** The file's `__metadata__`, empty without one. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#header.metadata;
  }

  /** Names of all tensors, in the header's order. */
  names(): string[] {
    return [...this.#header.tensors.keys()];
  }

  /** Whether a tensor of this name exists. */
  has(name: string): boolean {
    return this.#header.tensors.has(name);
  }

  /**
   * Element type, shape and size of a tensor, from the header alone.
   *
   * @throws When the file lacks it.
   */
  info(name: string): SafetensorsInfo {
    const info = this.#header.tensors.get(name);
    if (info === undefined) {
      throw new Error(`Cannot find tensor "${name}" in safetensors file "${this.path}"`);
    }
    return info;
  }

  /** Reads a tensor: floats become float32, whole numbers int32, BOOL bool. The caller disposes it. */
  tensor(name: string): tf.Tensor {
    return this.tensors([name]).get(name) as tf.Tensor;
  }

  /**
   * Reads some tensors, many at once where that can be. The caller disposes them.
   *
   * @param holdAs How floats are held. Default: as float32.
   * @throws When the file lacks one of them, or cannot be read; then none is left.
   */
  tensors(names: Iterable<string>, holdAs: HoldFloats = asFloat32): Map<string, tf.Tensor> {
    const tensors = new Map<string, tf.Tensor>();
    try {
      for (const group of this.#groups(names)) {
        for (const [name, tensor] of this.#readGroup(group, holdAs)) tensors.set(name, tensor);
      }
      return tensors;
    } catch (error) {
      tf.dispose([...tensors.values()]);
      throw error;
    }
  }

  /** Reads a tensor's bytes as they are in the file. */
  bytes(name: string): Uint8Array {
    const { offset, byteLength } = this.info(name);
    return this.#read(this.#dataStart + offset, byteLength);
  }

  /** Closes the file. Tensors that were read stay. */
  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #read(position: number, length: number): Uint8Array {
    const descriptor = this.#open();
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const wanted = Math.min(length - done, LARGEST_READ);
      const count = readSync(descriptor, bytes, done, wanted, position + done);
      if (count === 0) throw this.#shrunk();
      done += count;
    }
    return bytes;
  }

  /** Names in their order, in groups that are read at once. */
  *#groups(names: Iterable<string>): Generator<string[]> {
    let group: string[] = [];
    let bytes = 0;
    for (const name of names) {
      const { dtype, byteLength } = this.info(name);
      const fits = readsNatively(dtype) && bytes + byteLength <= LARGEST_GROUP;
      if (group.length > 0 && !fits) {
        yield group;
        [group, bytes] = [[], 0];
      }
      group.push(name);
      // One that is not read natively stands alone, even before an empty one.
      bytes += readsNatively(dtype) ? byteLength : Infinity;
    }
    if (group.length > 0) yield group;
  }

  #readGroup(names: string[], holdAs: HoldFloats): [name: string, tensor: tf.Tensor][] {
    const infos = names.map((name) => this.info(name));
    if (readsNatively(infos[0].dtype)) {
      const stored = infos.map(({ dtype, shape, offset }) => ({
        dtype,
        shape,
        position: this.#dataStart + offset,
        isKept: holdAs(shape) === 'bfloat16',
      }));
      const tensors = readNatively(this.#open(), stored);
      if (tensors === null) throw this.#shrunk();
      return tensors.map((tensor, at) => [names[at], holdFloats(tensor, holdAs(infos[at].shape))]);
    }
    const [{ dtype, shape }] = infos;
    const what = `tensor "${names[0]}" of safetensors file "${this.path}"`;
    const tensor = tensorFromBytes(this.bytes(names[0]), dtype, shape, what);
    return [[names[0], holdFloats(tensor, holdAs(shape))]];
  }

  /** The descriptor. Throws when the file is closed. */
  #open(): number {
    if (this.#descriptor === null) {
      throw new Error(
        `Cannot read safetensors file "${this.path}" as it must be open: it is closed`,
      );
    }
    return this.#descriptor;
  }

  #shrunk(): Error {
    const bytes = fstatSync(this.#open()).size;
    return invalidFile(this.path, 'it must not shrink while it is read', bytes);
  }
}

/** Opens what is a file: a folder gives no bytes, and a pipe would be waited for. */
function openFile(path: string): number {
  try {
    if (statSync(path).isFile()) return openSync(path, 'r');
  } catch (error) {
    throw new Error(`Cannot read safetensors file "${path}": ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new Error(`Cannot read safetensors file "${path}" as it must be a file`);
}

/**
 * Opens a safetensors file and checks its header. The caller closes it.
 *
 * @throws When there is no such file, or it is none.
 *
 * @example
 * const file = openSafetensors('datasets/tiny-qwen-image/vae/diffusion_pytorch_model.safetensors');
 * file.info('quant_conv.bias').shape; // [8]
 * file.close();
 */
export function openSafetensors(path: string): SafetensorsFile {
  return new SafetensorsFile(path);
}

/**
 * Reads all tensors of a safetensors file, in the header's order. The caller disposes them.
 *
 * @returns By name, in the shapes and types that the header says.
 * @throws When there is no such file, or it is none.
 *
 * @example
 * const stateDict = readSafetensors('datasets/tiny-qwen-image/vae/diffusion_pytorch_model.safetensors');
 */
export function readSafetensors(path: string): Map<string, tf.Tensor> {
  const file = openSafetensors(path);
  try {
    return file.tensors(file.names());
  } finally {
    file.close();
  }
}
