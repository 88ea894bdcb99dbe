import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ANYTHING, checkOptions, TEXT, type Rules } from '../core/option-rules';
import { tf } from '../tensorflow';
import { parseByteSize, planShards } from './shards';
import {
  StoredWeights,
  weightFileName,
  weightIndexName,
  type WeightFilesOptions,
  type WeightStem,
} from './stored-weights';
import { writeJson } from './write-json';
import {
  byteLength,
  encodeTensor,
  writeEncoded,
  type EncodedTensor,
  type FloatDtype,
} from './write-safetensors';

/** How floats are stored in a checkpoint. */
export type WeightDtype = 'float32' | 'float16' | 'bfloat16';

/** Options of every `savePretrained`. */
export interface SavePretrainedOptions extends WeightFilesOptions {
  /** How floats are stored, rounded to nearest, ties to even. Default `float32`. */
  dtype?: WeightDtype;
  /** Bytes, or a text such as `'5GB'`, that a file may hold before the next one is started. Default 10 GB. */
  maxShardSize?: number | string;
}

/** What the options of `savePretrained` must be. */
export const SAVE_RULES: Rules<SavePretrainedOptions> = {
  variant: TEXT,
  dtype: ANYTHING,
  maxShardSize: ANYTHING,
};

/** Options of `writeStateDict`. */
export interface WriteStateDictOptions extends SavePretrainedOptions {
  /** File name without its extension. Default `diffusion_pytorch_model`; transformers' models have `model`. */
  stem?: WeightStem;
}

const FILE_DTYPES: Readonly<Record<WeightDtype, FloatDtype>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
};

/**
 * Reads all weights of a component's folder: one safetensors file, or shards with their index.
 * Floats become float32. The caller disposes the tensors.
 *
 * @param folder For example `<model>/transformer`.
 * @throws When there is no weight file, a shard is missing, or the index and the shards disagree.
 */
export function readStateDict(
  folder: string,
  options: WeightFilesOptions = {},
): Map<string, tf.Tensor> {
  const weights = new StoredWeights(folder, options);
  try {
    return weights.tensors(weights.names());
  } finally {
    weights.close();
  }
}

/**
 * Writes weights to a component's folder as diffusers does: one file, or shards with an index when they are larger than
 * `maxShardSize`. Files of an earlier save that are no longer named are removed.
 */
export function writeStateDict(
  folder: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
  options: WriteStateDictOptions = {},
): void {
  checkOptions(`write weights to "${folder}"`, options, { ...SAVE_RULES, stem: ANYTHING });
  const float = fileDtype(options.dtype);
  const encoded = [...tensors].map(
    ([name, tensor]) =>
      [name, encodeTensor(tensor, float, `weights to "${folder}" as tensor "${name}"`)] as const,
  );
  writeWeights(folder, new Map(encoded), options);
}

/**
 * Writes the weights of another folder anew, tensor by tensor, in the wanted type and shards. Bytes that stay as they are
 * are not decoded.
 */
export function rewriteWeights(
  source: StoredWeights,
  folder: string,
  all: SavePretrainedOptions,
): void {
  checkOptions(`write weights to "${folder}"`, all, SAVE_RULES);
  const { dtype, ...options } = all;
  const float = fileDtype(dtype);
  const encoded = source.names().map((name) => [name, recast(source, name, float)] as const);
  writeWeights(folder, new Map(encoded), { ...options, stem: source.stem });
}

function writeWeights(
  folder: string,
  tensors: ReadonlyMap<string, EncodedTensor>,
  { stem = 'diffusion_pytorch_model', variant, maxShardSize = '10GB' }: WriteStateDictOptions,
): void {
  mkdirSync(folder, { recursive: true });
  const sizes = [...tensors].map(([name, tensor]) => [name, byteLength(tensor)] as const);
  const shards = planShards(sizes, parseByteSize(maxShardSize));
  const files = shards.map((_, index) => {
    const shard = `-${pad(index + 1)}-of-${pad(shards.length)}`;
    return weightFileName(stem, variant, shards.length === 1 ? '' : shard);
  });
  shards.forEach((names, index) =>
    writeEncoded(
      join(folder, files[index]),
      names.map((name) => [name, tensors.get(name) as EncodedTensor]),
    ),
  );
  const written = [...files];
  if (shards.length > 1) {
    const map = shards.flatMap((names, index) => names.map((name) => [name, files[index]]));
    const total_size = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    const index = weightIndexName(stem, variant);
    const weight_map = Object.fromEntries(map.sort(([a], [b]) => (a < b ? -1 : 1)));
    writeJson(join(folder, index), { metadata: { total_size }, weight_map });
    written.push(index);
  }
  removeStale(folder, stem, variant, written);
}

/** A float of a file in another float type; all else as it is. */
function recast(source: StoredWeights, name: string, float: FloatDtype): EncodedTensor {
  const { dtype, shape } = source.info(name);
  const isFloat = ['F64', 'F32', 'F16', 'BF16'].includes(dtype);
  if (!isFloat || dtype === float) return { dtype, shape, bytes: () => source.bytes(name) };
  const bytes = (): Uint8Array => {
    const tensor = source.tensor(name);
    try {
      return encodeTensor(tensor, float, `tensor "${name}"`).bytes();
    } finally {
      tensor.dispose();
    }
  };
  return { dtype: float, shape, bytes };
}

/** The type in a file of the type that options name. Throws when there is no such type. */
export function fileDtype(dtype: WeightDtype = 'float32'): FloatDtype {
  if (!Object.hasOwn(FILE_DTYPES, dtype)) {
    throw new Error(
      `Cannot write weights as dtype must be ${Object.keys(FILE_DTYPES).join(', ')}: current value is ${JSON.stringify(dtype)}`,
    );
  }
  return FILE_DTYPES[dtype];
}

function pad(index: number): string {
  return String(index).padStart(5, '0');
}

/** Removes weight files of the same name and variant that are not part of what was written. */
function removeStale(
  folder: string,
  stem: WeightStem,
  variant: string | undefined,
  written: readonly string[],
): void {
  const whole = weightFileName(stem, variant).slice(0, -'.safetensors'.length);
  for (const name of readdirSync(folder)) {
    const isShard =
      name.startsWith(whole) && /^(-\d{5}-of-\d{5})?\.safetensors$/.test(name.slice(whole.length));
    const isIndex = name === weightIndexName(stem, variant);
    if ((isShard || isIndex) && !written.includes(name)) rmSync(join(folder, name));
  }
}
