import { showValue } from '../core/show-value';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ANYTHING, checkOptions, TEXT } from '../core/option-rules';
import { tf } from '../tensorflow';
import { parseLoraKey, type LoraPart } from './lora-keys';
import {
  effectiveAlpha,
  loraSizesOf,
  unsupportedSetting,
  type LoraSettings,
  type LoraSize,
} from './lora-settings';
import { readJsonObject } from './read-json';
import { openSafetensors, type SafetensorsFile } from './safetensors';

/** The low-rank weights of one linear layer: W becomes W + (alpha / rank) B A. */
export interface LoraWeights {
  /** (rank, in) */
  A: tf.Tensor2D;
  /** (out, rank) */
  B: tf.Tensor2D;
  rank: number;
  /** The scale times the rank; with rank-stabilised LoRA the scale is lora_alpha / sqrt(rank). */
  alpha: number;
}

/** diffusers' name of a LoRA file. */
export const DIFFUSERS_LORA = 'pytorch_lora_weights.safetensors';
/** PEFT's name of a LoRA file. */
export const PEFT_LORA = 'adapter_model.safetensors';
/** File names in the order tried in a folder. */
export const LORA_FILE_NAMES = [DIFFUSERS_LORA, PEFT_LORA] as const;
/** The settings beside PEFT's file. */
export const PEFT_CONFIG = 'adapter_config.json';

/** How a LoRA file is read. */
export interface ReadLoraOptions {
  /** Prefix of the component in diffusers' form. Default `transformer`; other components are left out. */
  component?: string;
  /** Paths of the model's linear layers, by which names of kohya-ss (`lora_unet_...`) are understood. */
  layers?: Iterable<string>;
}

/** Names of a layer's tensors in the file. */
type PartNames = Partial<Record<LoraPart, string>>;

/**
 * Reads a LoRA file in diffusers' form (prefix `transformer.`, settings in the file's metadata) or PEFT's (prefix
 * `base_model.model.`, settings in adapter_config.json beside it), also with the older names of tensors (`lora.down`,
 * `lora_up`, `alpha`). Without settings alpha equals the rank, as in diffusers.
 *
 * @param path The file, or a folder that holds pytorch_lora_weights.safetensors or adapter_model.safetensors.
 * @returns Module path, for example `transformer_blocks.0.attn.to_q`, to its weights; the caller disposes them.
 * @throws When the file holds something that is not a plain LoRA; the message names the tensor or the setting.
 *
 * @example
 * const proj = { A: tf.tensor2d([[1, 2]]), B: tf.tensor2d([[3], [4]]), rank: 1, alpha: 1 };
 * writeLoraFile('style', new Map([['proj', proj]]));
 * readLoraFile('style').get('proj')?.A; // [[1, 2]]
 */
export function readLoraFile(
  path: string,
  options: ReadLoraOptions = {},
): Map<string, LoraWeights> {
  checkOptions(`read LoRA file "${path}"`, options, { component: TEXT, layers: ANYTHING });
  const { component = 'transformer', layers: paths = [] } = options;
  const filePath = locate(path);
  const file = openSafetensors(filePath);
  const layers = new Map<string, LoraWeights>();
  try {
    const settings = readSettings(file, component);
    const problem = settings && unsupportedSetting(settings);
    if (problem) {
      const value = JSON.stringify(problem.value);
      throw invalidLora(file, `"${problem.key}" ${problem.rule}: current value is ${value}`);
    }
    const modules = groupByModule(file, component, paths);
    const sizes = settings === null ? null : sizesOf(file, settings, modules.keys());
    for (const [module, names] of modules) {
      layers.set(module, readLayer(file, module, names, sizes?.get(module)));
    }
    return layers;
  } catch (error) {
    for (const { A, B } of layers.values()) tf.dispose([A, B]);
    throw error;
  } finally {
    file.close();
  }
}

function invalidLora(file: SafetensorsFile, rule: string): Error {
  return new Error(`Cannot read LoRA file "${file.path}" as ${rule}`);
}

function locate(path: string): string {
  if (!existsSync(path)) throw new Error(`Cannot read LoRA file "${path}" as it must exist`);
  if (!statSync(path).isDirectory()) return path;
  const found = LORA_FILE_NAMES.map((name) => join(path, name)).find((name) => existsSync(name));
  if (found === undefined) {
    throw new Error(
      `Cannot read LoRA folder "${path}" as it must hold ${LORA_FILE_NAMES.join(' or ')}`,
    );
  }
  return found;
}

/** The settings of the component; null where diffusers goes by the tensors alone. */
function readSettings(file: SafetensorsFile, component: string): LoraSettings | null {
  const text = file.metadata.lora_adapter_metadata;
  if (text !== undefined) {
    const entries = Object.entries(parseSettings(text, file));
    const prefix = `${component}.`;
    const own = entries
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]);
    // A model that saves itself names neither its tensors nor its settings after a component.
    const isPrefixed = file.names().some((name) => name.startsWith(prefix));
    return Object.fromEntries(isPrefixed ? own : entries) as LoraSettings;
  }
  if (!file.names().some((name) => name.startsWith('base_model.model.'))) return null;
  const config = join(dirname(file.path), PEFT_CONFIG);
  if (!existsSync(config)) throw invalidLora(file, `${PEFT_CONFIG} must lie beside it`);
  return readJsonObject(config) as LoraSettings;
}

function parseSettings(text: string, file: SafetensorsFile): object {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `Cannot read LoRA file "${file.path}" as its lora_adapter_metadata must be JSON: ${message}`,
      { cause: error },
    );
  }
}

function sizesOf(
  file: SafetensorsFile,
  settings: LoraSettings,
  modules: Iterable<string>,
): Map<string, LoraSize> {
  try {
    return loraSizesOf(settings, modules);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `Cannot read LoRA file "${file.path}" by its rank_pattern and alpha_pattern: ${message}`,
      { cause: error },
    );
  }
}

function groupByModule(
  file: SafetensorsFile,
  component: string,
  layers: Iterable<string>,
): Map<string, PartNames> {
  const flatNames = new Map([...layers].map((path) => [path.replaceAll('.', '_'), path]));
  const modules = new Map<string, PartNames>();
  for (const name of file.names()) {
    const key = parseKey(file, name, component, flatNames);
    if (key === null) continue;
    modules.set(key.module, { ...modules.get(key.module), [key.part]: name });
  }
  if (modules.size === 0) throw invalidLora(file, `it must hold layers of "${component}"`);
  return modules;
}

function parseKey(
  file: SafetensorsFile,
  name: string,
  component: string,
  flatNames: ReadonlyMap<string, string>,
): ReturnType<typeof parseLoraKey> {
  try {
    return parseLoraKey(name, component, flatNames);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`Cannot read LoRA file "${file.path}" ${message}`, { cause: error });
  }
}

function readLayer(
  file: SafetensorsFile,
  module: string,
  { A: nameA, B: nameB, alpha: nameAlpha }: PartNames,
  size: LoraSize | undefined,
): LoraWeights {
  if (nameA === undefined || nameB === undefined) {
    const missing = nameA === undefined ? 'A' : 'B';
    throw invalidLora(
      file,
      `layer "${module}" must have lora_A and lora_B: lora_${missing} is missing`,
    );
  }
  const [shapeA, shapeB] = [file.info(nameA).shape, file.info(nameB).shape];
  const rank = shapeA[0];
  if (shapeA.length !== 2 || shapeB.length !== 2 || shapeB[1] !== rank || rank === 0) {
    throw invalidLora(
      file,
      `layer "${module}" must have A (rank, in) and B (out, rank): current value is [${shapeA}] and [${shapeB}]`,
    );
  }
  const said: LoraSize = size ?? { rank, alpha: rank };
  if (said.rank !== rank) {
    throw invalidLora(
      file,
      `layer "${module}" must have the rank that its settings say, ${said.rank}: current value is ${rank}`,
    );
  }
  const alpha = nameAlpha === undefined ? said.alpha : readNumber(file, nameAlpha);
  if (!Number.isFinite(alpha)) {
    throw invalidLora(
      file,
      `the alpha of layer "${module}" must be a number: current value is ${showValue(alpha)}`,
    );
  }
  return {
    A: file.tensor(nameA) as tf.Tensor2D,
    B: file.tensor(nameB) as tf.Tensor2D,
    rank,
    alpha: effectiveAlpha(alpha, rank, said.usesRslora),
  };
}

function readNumber(file: SafetensorsFile, name: string): number {
  return tf.tidy(() => file.tensor(name).dataSync()[0]);
}
