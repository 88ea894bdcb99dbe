import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { tf } from '../tensorflow';
import { readJsonObject } from './read-json';
import { openSafetensors, type SafetensorsFile } from './safetensors';
import { writeAtomically } from './write-atomically';
import { writeSafetensors, type FloatDtype } from './write-safetensors';

/** Weight files as diffusers and as transformers name them. */
const STEMS = ['diffusion_pytorch_model', 'model'] as const;

/** Options of `writeStateDict`. */
export interface WriteStateDictOptions {
  /** File name without its extension. Default `diffusion_pytorch_model`. */
  stem?: string;
  /** How float32 tensors are stored. Default F32. */
  dtype?: FloatDtype;
  /** Bytes a file may hold before the next one is started. Default 10 GB, as diffusers has it. */
  maxShardBytes?: number;
}

/**
 * Reads all weights of a component's folder: one safetensors file, or shards with their index.
 * Floats become float32. The caller disposes the tensors.
 *
 * @param folder For example `<model>/transformer`.
 * @throws When there is no weight file, a shard is missing, or the index and the shards disagree.
 */
export function readStateDict(folder: string): Map<string, tf.Tensor> {
  const tensors = new Map<string, tf.Tensor>();
  try {
    for (const { file, names } of weightFiles(folder)) {
      try {
        for (const name of names ?? file.names()) tensors.set(name, file.tensor(name));
      } finally {
        file.close();
      }
    }
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw error;
  }
  return tensors;
}

/**
 * Writes weights to a component's folder as diffusers does: one file, or shards with an index when they are larger than
 * `maxShardBytes`. Files of an earlier save that are no longer named are removed.
 */
export function writeStateDict(
  folder: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
  {
    stem = 'diffusion_pytorch_model',
    dtype = 'F32',
    maxShardBytes = 10e9,
  }: WriteStateDictOptions = {},
): void {
  const bytesEach = dtype === 'F32' ? 4 : 2;
  const shards = split(tensors, maxShardBytes, bytesEach);
  const indexPath = join(folder, `${stem}.safetensors.index.json`);
  const names = shards.map((_, index) =>
    shards.length === 1
      ? `${stem}.safetensors`
      : `${stem}-${pad(index + 1)}-of-${pad(shards.length)}.safetensors`,
  );
  shards.forEach((shard, index) => writeSafetensors(join(folder, names[index]), shard, { dtype }));
  if (shards.length > 1) {
    const map = shards.flatMap((shard, index) =>
      [...shard.keys()].map((key) => [key, names[index]]),
    );
    const total_size = [...tensors.values()].reduce((sum, { size }) => sum + size * bytesEach, 0);
    const weight_map = Object.fromEntries(map.sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = `${JSON.stringify({ metadata: { total_size }, weight_map }, null, 2)}\n`;
    writeAtomically(indexPath, (append) => append(Buffer.from(text)));
  }
  removeStale(folder, stem, shards.length > 1 ? [...names, basename(indexPath)] : names);
}

function* weightFiles(folder: string): Generator<{ file: SafetensorsFile; names?: string[] }> {
  for (const stem of STEMS) {
    const index = join(folder, `${stem}.safetensors.index.json`);
    if (existsSync(index)) {
      yield* shardsOf(folder, index);
      return;
    }
    const single = join(folder, `${stem}.safetensors`);
    if (existsSync(single)) {
      yield { file: openSafetensors(single) };
      return;
    }
  }
  const expected = STEMS.map((stem) => `${stem}.safetensors`).join(' or ');
  const found = existsSync(folder) ? readdirSync(folder).join(', ') || 'nothing' : 'no such folder';
  throw new Error(
    `Cannot read weights of "${folder}" as it must hold ${expected}, or their index: current value is ${found}`,
  );
}

function* shardsOf(
  folder: string,
  index: string,
): Generator<{ file: SafetensorsFile; names: string[] }> {
  const { weight_map: weightMap } = readJsonObject(index);
  if (typeof weightMap !== 'object' || weightMap === null) {
    throw new Error(
      `Cannot read "${index}" as it must hold "weight_map": current value is ${weightMap}`,
    );
  }
  const namesByFile = new Map<string, string[]>();
  for (const [name, file] of Object.entries(weightMap)) {
    // A name with folders in it could point anywhere.
    if (typeof file !== 'string' || file !== basename(file) || !file.endsWith('.safetensors')) {
      throw new Error(
        `Cannot read "${index}" as tensor "${name}" must lie in a .safetensors file beside it: current value is ${JSON.stringify(file)}`,
      );
    }
    namesByFile.set(file, [...(namesByFile.get(file) ?? []), name]);
  }
  for (const [file, names] of namesByFile) {
    const path = join(folder, file);
    if (!existsSync(path)) {
      throw new Error(
        `Cannot read weights of "${folder}" as its index names "${file}", which is missing`,
      );
    }
    yield { file: openSafetensors(path), names };
  }
}

function split(
  tensors: ReadonlyMap<string, tf.Tensor>,
  maxShardBytes: number,
  bytesEach: number,
): Map<string, tf.Tensor>[] {
  const shards = [new Map<string, tf.Tensor>()];
  let bytes = 0;
  for (const [name, tensor] of tensors) {
    const size = tensor.size * bytesEach;
    if (bytes > 0 && bytes + size > maxShardBytes) {
      shards.push(new Map());
      bytes = 0;
    }
    shards[shards.length - 1].set(name, tensor);
    bytes += size;
  }
  return shards;
}

function pad(index: number): string {
  return String(index).padStart(5, '0');
}

function removeStale(folder: string, stem: string, current: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    const isWeights =
      name.startsWith(stem) &&
      /^(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/.test(name.slice(stem.length));
    if (isWeights && !current.includes(name)) rmSync(join(folder, name));
  }
}
