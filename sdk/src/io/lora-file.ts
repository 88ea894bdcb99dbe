import { showValue } from '../core/show-value';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { tf } from '../tensorflow';
import { readJsonObject } from './read-json';
import { openSafetensors, type SafetensorsFile } from './safetensors';
import { writeSafetensors } from './write-safetensors';

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

/** File names in the order tried in a folder: diffusers' form, then PEFT's. */
export const LORA_FILE_NAMES = [
  'pytorch_lora_weights.safetensors',
  'adapter_model.safetensors',
] as const;

/** Settings that change what the weights mean, and are not supported. */
const UNSUPPORTED = [
  'use_dora',
  'lora_bias',
  'fan_in_fan_out',
  'use_qalora',
  'use_bdlora',
] as const;

interface LoraSettings {
  r?: number;
  lora_alpha?: number;
  rank_pattern?: Record<string, number>;
  alpha_pattern?: Record<string, number>;
  use_rslora?: boolean;
  [key: string]: unknown;
}

/**
 * Reads a LoRA file in diffusers' form (prefix `transformer.`, settings in the file's metadata) or PEFT's (prefix
 * `base_model.model.`, settings in adapter_config.json beside it). Without settings alpha equals the rank, as in diffusers.
 *
 * @param path The file, or a folder that holds pytorch_lora_weights.safetensors or adapter_model.safetensors.
 * @param component Prefix of the component in diffusers' form. Default `transformer`; other components are left out.
 * @returns Module path, for example `transformer_blocks.0.attn.to_q`, to its weights; the caller disposes them.
 * @throws When the file holds something that is not a plain LoRA; the message names the tensor or the setting.
 */
export function readLoraFile(path: string, component = 'transformer'): Map<string, LoraWeights> {
  const filePath = locate(path);
  const file = openSafetensors(filePath);
  const layers = new Map<string, LoraWeights>();
  try {
    const settings = readSettings(file, component);
    for (const key of UNSUPPORTED) {
      if (settings[key]) {
        throw new Error(
          `Cannot read LoRA file "${filePath}" as "${key}" must be false: current value is ${settings[key]}`,
        );
      }
    }
    for (const [module, names] of groupByModule(file, component)) {
      layers.set(module, readLayer(file, module, names, settings));
    }
    return layers;
  } catch (error) {
    for (const { A, B } of layers.values()) [A, B].forEach((tensor) => tensor.dispose());
    throw error;
  } finally {
    file.close();
  }
}

/**
 * Writes `pytorch_lora_weights.safetensors` into `folder` in diffusers' form, which diffusers and PEFT load.
 *
 * @param layers Module path to its weights; they stay as they are.
 */
export function writeLoraFile(
  folder: string,
  layers: ReadonlyMap<string, LoraWeights>,
  component = 'transformer',
): void {
  const tensors = new Map<string, tf.Tensor>();
  for (const [module, { A, B }] of layers) {
    tensors.set(`${component}.${module}.lora_A.weight`, A);
    tensors.set(`${component}.${module}.lora_B.weight`, B);
  }
  const modules = [...layers.keys()].sort();
  const [first] = layers.values();
  const differing = (field: 'rank' | 'alpha') =>
    Object.fromEntries(
      modules
        .map((module) => [patternOf(module, modules), layers.get(module)?.[field]] as const)
        .filter(([, value]) => value !== first[field]),
    );
  const settings: Record<string, unknown> = {
    alpha_pattern: differing('alpha'),
    bias: 'none',
    init_lora_weights: 'gaussian',
    lora_alpha: first?.alpha ?? 1,
    lora_bias: false,
    lora_dropout: 0,
    r: first?.rank ?? 1,
    rank_pattern: differing('rank'),
    target_modules: modules,
    use_dora: false,
    use_rslora: false,
  };
  const prefixed = Object.entries(settings).map(([key, value]) => [`${component}.${key}`, value]);
  writeSafetensors(join(folder, LORA_FILE_NAMES[0]), tensors, {
    metadata: {
      format: 'pt',
      lora_adapter_metadata: JSON.stringify(Object.fromEntries(prefixed), null, 2),
    },
  });
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

function readSettings(file: SafetensorsFile, component: string): LoraSettings {
  const text = file.metadata.lora_adapter_metadata;
  if (text !== undefined) {
    const prefix = `${component}.`;
    const entries = Object.entries(parseSettings(text, file.path))
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]);
    return Object.fromEntries(entries) as LoraSettings;
  }
  const config = join(dirname(file.path), 'adapter_config.json');
  const isPeft = file.names().some((name) => name.startsWith('base_model.model.'));
  return isPeft && existsSync(config) ? (readJsonObject(config) as LoraSettings) : {};
}

function parseSettings(text: string, path: string): object {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `Cannot read LoRA file "${path}" as its lora_adapter_metadata must be JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function groupByModule(
  file: SafetensorsFile,
  component: string,
): Map<string, { A?: string; B?: string }> {
  const modules = new Map<string, { A?: string; B?: string }>();
  for (const name of file.names()) {
    const match = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
    if (match === null) {
      throw new Error(
        `Cannot read LoRA file "${file.path}" as its tensors must end in .lora_A.weight or .lora_B.weight: current value is ${name}`,
      );
    }
    const module = stripPrefix(match[1], component);
    if (module === null) continue;
    modules.set(module, { ...modules.get(module), [match[2]]: name });
  }
  if (modules.size === 0) {
    throw new Error(
      `Cannot read LoRA file "${file.path}" as it must hold layers of "${component}"`,
    );
  }
  return modules;
}

/** The module path inside the component, or null for a layer of another component. */
function stripPrefix(path: string, component: string): string | null {
  const bare = path.replace(/^base_model\.model\./, '');
  if (bare.startsWith(`${component}.`)) return bare.slice(component.length + 1);
  return /^(text_encoder|text_encoder_2|text_encoder_3|unet|vae|transformer)\./.test(bare)
    ? null
    : bare;
}

function readLayer(
  file: SafetensorsFile,
  module: string,
  names: { A?: string; B?: string },
  settings: LoraSettings,
): LoraWeights {
  const { A: nameA, B: nameB } = names;
  if (nameA === undefined || nameB === undefined) {
    throw new Error(
      `Cannot read LoRA file "${file.path}" as layer "${module}" must have lora_A and lora_B: lora_${nameA === undefined ? 'A' : 'B'} is missing`,
    );
  }
  const [shapeA, shapeB] = [file.info(nameA).shape, file.info(nameB).shape];
  const rank = shapeA[0];
  if (shapeA.length !== 2 || shapeB.length !== 2 || shapeB[1] !== rank || rank === 0) {
    throw new Error(
      `Cannot read LoRA file "${file.path}" as layer "${module}" must have A (rank, in) and B (out, rank): current value is [${shapeA}] and [${shapeB}]`,
    );
  }
  const alpha = byPattern(settings.alpha_pattern, module) ?? settings.lora_alpha ?? rank;
  if (!Number.isFinite(alpha)) {
    throw new Error(
      `Cannot read LoRA file "${file.path}" as the alpha of layer "${module}" must be a number: current value is ${showValue(alpha)}`,
    );
  }
  return {
    A: file.tensor(nameA) as tf.Tensor2D,
    B: file.tensor(nameB) as tf.Tensor2D,
    rank,
    alpha: settings.use_rslora ? alpha * Math.sqrt(rank) : alpha,
  };
}

/** A key of PEFT's patterns for one module: its path, or from start to end where the path also means another module. */
function patternOf(module: string, modules: readonly string[]): string {
  const isOwn = modules.every((other) => other === module || !matches(module, other));
  return isOwn ? module : `^${module.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;
}

/** PEFT's rule: a key is a regular expression for the end of the module's path, or from its start after "^". */
function matches(key: string, module: string): boolean {
  return new RegExp(key.startsWith('^') ? key : `^(.*\\.)?(${key})$`).test(module);
}

function byPattern(
  pattern: Record<string, number> | undefined,
  module: string,
): number | undefined {
  return Object.entries(pattern ?? {}).find(([key]) => matches(key, module))?.[1];
}
