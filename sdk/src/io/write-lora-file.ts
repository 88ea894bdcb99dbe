import { join } from 'node:path';
import { ANYTHING, checkOptions, oneOf, TEXT, type Rules } from '../core/option-rules';
import type { tf } from '../tensorflow';
import { DIFFUSERS_LORA, PEFT_CONFIG, PEFT_LORA, type LoraWeights } from './lora-file';
import { fileDtype, type WeightDtype } from './state-dict';
import { writeJson } from './write-json';
import { writeSafetensors } from './write-safetensors';

/** How a LoRA file is written. */
export interface WriteLoraOptions {
  /**
   * `'diffusers'` (default): pytorch_lora_weights.safetensors, for `load_lora_weights`. `'peft'`: adapter_model.safetensors
   * and adapter_config.json, for `PeftModel.from_pretrained`.
   */
  format?: 'diffusers' | 'peft';
  /** Prefix of the component in diffusers' form. Default `transformer`. */
  component?: string;
  /** How the weights are stored. Default `float32`. */
  dtype?: WeightDtype;
}

/** What the options of a LoRA file must be. */
export const WRITE_LORA_RULES: Rules<WriteLoraOptions> = {
  format: oneOf('diffusers', 'peft'),
  component: TEXT,
  dtype: ANYTHING,
};

/**
 * Writes adapters into `folder`, in diffusers' form or in PEFT's. Ranks and alphas that differ by layer become PEFT's
 * `rank_pattern` and `alpha_pattern`; rank-stabilised scales are written as the plain alpha that gives the same scale.
 *
 * @param layers Module path to its weights; they stay as they are.
 * @throws When the operating system refuses.
 *
 * @example
 * const proj = { A: tf.tensor2d([[1, 2]]), B: tf.tensor2d([[3], [4]]), rank: 1, alpha: 1 };
 * writeLoraFile('style', new Map([['proj', proj]]), { format: 'peft' });
 * [...readLoraFile('style').keys()]; // ['proj']
 */
export function writeLoraFile(
  folder: string,
  layers: ReadonlyMap<string, LoraWeights>,
  options: WriteLoraOptions = {},
): void {
  checkOptions(`write a LoRA file to "${folder}"`, options, WRITE_LORA_RULES);
  const { format = 'diffusers', component = 'transformer', dtype } = options;
  const isPeft = format === 'peft';
  const prefix = isPeft ? 'base_model.model' : component;
  const tensors = new Map<string, tf.Tensor>();
  for (const [module, { A, B }] of layers) {
    tensors.set(`${prefix}.${module}.lora_A.weight`, A);
    tensors.set(`${prefix}.${module}.lora_B.weight`, B);
  }
  const settings = describe(layers);
  const metadata: Record<string, string> = { format: 'pt' };
  if (!isPeft) {
    const named = Object.entries(settings).map(([key, value]) => [`${component}.${key}`, value]);
    metadata.lora_adapter_metadata = JSON.stringify(Object.fromEntries(named), null, 2);
  }
  const path = join(folder, isPeft ? PEFT_LORA : DIFFUSERS_LORA);
  writeSafetensors(path, tensors, { metadata, dtype: fileDtype(dtype) });
  if (isPeft) {
    const about = { peft_type: 'LORA', task_type: null, base_model_name_or_path: null };
    writeJson(join(folder, PEFT_CONFIG), { ...about, inference_mode: true, ...settings });
  }
}

/** PEFT's settings for the layers, keys in order. */
function describe(layers: ReadonlyMap<string, LoraWeights>): Record<string, unknown> {
  const modules = [...layers.keys()].sort();
  const [first] = layers.values();
  const differing = (field: 'rank' | 'alpha') =>
    Object.fromEntries(
      modules
        .map((module) => [wholePath(module), layers.get(module)?.[field]] as const)
        .filter(([, value]) => value !== first[field]),
    );
  return {
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
}

/** PEFT's pattern for one module alone: without its ends a path would also mean others that it is a part of. */
function wholePath(module: string): string {
  return `^${module.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;
}
