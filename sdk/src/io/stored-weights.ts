import { showValue } from '../core/show-value';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tf } from '../tensorflow';
import type { HoldFloats } from './hold-floats';
import { readJsonObject } from './read-json';
import { SafetensorsFile } from './safetensors';
import type { SafetensorsInfo } from './safetensors-header';

/** Weight files as diffusers and as transformers name them. */
export type WeightStem = 'diffusion_pytorch_model' | 'model';

const STEMS: readonly WeightStem[] = ['diffusion_pytorch_model', 'model'];

/** Which files of a folder hold its weights. */
export interface WeightFilesOptions {
  /** `fp16` for `diffusion_pytorch_model.fp16.safetensors` or its shards. Default: files without such a part. */
  variant?: string;
}

/** The name of a weight file, whole or as a shard such as `-00001-of-00002`. */
export function weightFileName(stem: WeightStem, variant?: string, shard = ''): string {
  return `${stem}${variant === undefined ? '' : `.${variant}`}${shard}.safetensors`;
}

/** The name of the index that lists the shards. */
export function weightIndexName(stem: WeightStem, variant?: string): string {
  return `${stem}.safetensors.index${variant === undefined ? '' : `.${variant}`}.json`;
}

/** Whether a folder holds weights of this variant. */
export function hasWeights(folder: string, { variant }: WeightFilesOptions = {}): boolean {
  return locate(folder, variant) !== null;
}

/**
 * All weights of a component's folder, in one safetensors file or in shards with their index. Headers are read at once,
 * tensors when they are asked for. Where a folder has both, diffusers goes by the index and transformers by the one file.
 */
export class StoredWeights {
  readonly stem: WeightStem;
  readonly #files: SafetensorsFile[] = [];
  readonly #fileOf = new Map<string, SafetensorsFile>();

  /**
   * @param folder For example `<model>/transformer`.
   * @throws When there is no weight file, a shard is missing, or the index and the shards disagree.
   */
  constructor(
    readonly folder: string,
    { variant }: WeightFilesOptions = {},
  ) {
    const found = locate(folder, variant);
    if (found === null) throw nothingFound(folder, variant);
    this.stem = found.stem;
    try {
      const path = join(folder, found.name);
      if (found.isIndex) this.#openShards(path);
      else this.#open(path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Names of all tensors. */
  names(): string[] {
    return [...this.#fileOf.keys()];
  }

  /** Element type, shape and size of a tensor, from the header alone. */
  info(name: string): SafetensorsInfo {
    return this.#find(name).info(name);
  }

  /** The file that holds a tensor. */
  path(name: string): string {
    return this.#find(name).path;
  }

  /** Reads a tensor; floats become float32. The caller disposes it. */
  tensor(name: string): tf.Tensor {
    return this.#find(name).tensor(name);
  }

  /**
   * Reads some tensors, many at once. The caller disposes them.
   *
   * @param holdAs How floats are held. Default: as float32.
   */
  tensors(names: Iterable<string>, holdAs?: HoldFloats): Map<string, tf.Tensor> {
    const ordered = [...names];
    const read = new Map<string, tf.Tensor>();
    try {
      for (const file of new Set(ordered.map((name) => this.#find(name)))) {
        const held = ordered.filter((name) => this.#find(name) === file);
        for (const [name, tensor] of file.tensors(held, holdAs)) read.set(name, tensor);
      }
    } catch (error) {
      tf.dispose([...read.values()]);
      throw error;
    }
    return new Map(ordered.map((name) => [name, read.get(name) as tf.Tensor]));
  }

  /** Reads a tensor's bytes as they are in the file. */
  bytes(name: string): Uint8Array {
    return this.#find(name).bytes(name);
  }

  /** Closes all files. Tensors that were read stay. */
  close(): void {
    this.#files.forEach((file) => file.close());
  }

  #find(name: string): SafetensorsFile {
    const file = this.#fileOf.get(name);
    if (file === undefined) {
      throw new Error(`Cannot find tensor "${name}" in the weights of "${this.folder}"`);
    }
    return file;
  }

  #open(path: string): SafetensorsFile {
    const file = new SafetensorsFile(path);
    this.#files.push(file);
    for (const name of file.names()) this.#fileOf.set(name, file);
    return file;
  }

  #openShards(index: string): void {
    const namesByFile = readWeightIndex(index);
    for (const [name, names] of namesByFile) {
      const path = join(dirname(index), name);
      if (!existsSync(path)) {
        throw new Error(
          `Cannot read weights of "${this.folder}" as its index names "${name}", which is missing`,
        );
      }
      const file = new SafetensorsFile(path);
      this.#files.push(file);
      for (const tensor of names) {
        file.info(tensor);
        this.#fileOf.set(tensor, file);
      }
    }
  }
}

/**
 * Which file of a folder holds its weights, or lists the files that do; null when there is none.
 *
 * @param has Whether the folder has a file of this name.
 */
export function locateWeights(
  has: (name: string) => boolean,
  variant?: string,
): { name: string; stem: WeightStem; isIndex: boolean } | null {
  for (const stem of STEMS) {
    const indexes = [weightIndexName(stem, variant)];
    // What diffusers wrote before it named variants as transformers does.
    if (variant !== undefined) indexes.push(`${stem}.safetensors.${variant}.index.json`);
    const single = weightFileName(stem, variant);
    const names = stem === 'model' ? [single, ...indexes] : [...indexes, single];
    const name = names.find(has);
    if (name !== undefined) return { name, stem, isIndex: indexes.includes(name) };
  }
  return null;
}

function locate(folder: string, variant: string | undefined): ReturnType<typeof locateWeights> {
  return locateWeights((name) => existsSync(join(folder, name)), variant);
}

function nothingFound(folder: string, variant: string | undefined): Error {
  const expected = STEMS.map((stem) => weightFileName(stem, variant)).join(' or ');
  const found = existsSync(folder) ? readdirSync(folder).join(', ') || 'nothing' : 'no such folder';
  return new Error(
    `Cannot read weights of "${folder}" as it must hold ${expected}, or their index: current value is ${found}`,
  );
}

/**
 * An index: file name to the tensors that it expects there.
 *
 * @throws When a file is named that would lie elsewhere.
 */
export function readWeightIndex(index: string): Map<string, string[]> {
  const { weight_map: weightMap } = readJsonObject(index);
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw new Error(
      `Cannot read "${index}" as it must hold "weight_map": current value is ${showValue(weightMap)}`,
    );
  }
  const namesByFile = new Map<string, string[]>();
  for (const [name, file] of Object.entries(weightMap)) {
    // A name with folders in it could point anywhere.
    if (typeof file !== 'string' || file !== basename(file) || !file.endsWith('.safetensors')) {
      throw new Error(
        `Cannot read "${index}" as tensor "${name}" must lie in a .safetensors file beside it: current value is ${showValue(file)}`,
      );
    }
    const names = namesByFile.get(file);
    if (names === undefined) namesByFile.set(file, [name]);
    else names.push(name);
  }
  return namesByFile;
}
