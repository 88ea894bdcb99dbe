import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { tf } from '../tensorflow';
import {
  headerLength,
  invalidFile,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsInfo,
} from './safetensors-header';
import { nativeReadOf } from './read-natively';
import { tensorFromBytes } from './tensor-from-bytes';

/** Node reads at most 2 GiB in one call. */
const LARGEST_READ = 2 ** 30;

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
    this.#descriptor = openSync(path, 'r');
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

  /** Element type, shape and size of a tensor, from the header alone. Throws when the file lacks it. */
  info(name: string): SafetensorsInfo {
    const info = this.#header.tensors.get(name);
    if (info === undefined) {
      throw new Error(`Cannot find tensor "${name}" in safetensors file "${this.path}"`);
    }
    return info;
  }

  /** Reads a tensor: floats become float32, whole numbers int32, BOOL bool. The caller disposes it. */
  tensor(name: string): tf.Tensor {
    const { dtype, shape, offset } = this.info(name);
    const read = nativeReadOf(dtype, shape);
    if (read !== null) {
      const tensor = read(this.#open(), this.#dataStart + offset);
      if (tensor === null) throw this.#shrunk();
      return tensor;
    }
    return tensorFromBytes(
      this.bytes(name),
      dtype,
      shape,
      `tensor "${name}" of safetensors file "${this.path}"`,
    );
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

/** Opens a safetensors file and checks its header. The caller closes it. */
export function openSafetensors(path: string): SafetensorsFile {
  return new SafetensorsFile(path);
}

/**
 * Reads all tensors of a safetensors file, in the header's order. The caller disposes them.
 *
 * @example
 * const stateDict = readSafetensors('datasets/tiny-qwen-image/vae/diffusion_pytorch_model.safetensors');
 */
export function readSafetensors(path: string): Map<string, tf.Tensor> {
  const file = openSafetensors(path);
  const tensors = new Map<string, tf.Tensor>();
  try {
    for (const name of file.names()) tensors.set(name, file.tensor(name));
    return tensors;
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw error;
  } finally {
    file.close();
  }
}
