import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rewriteWeights, type SavePretrainedOptions, type WeightDtype } from './state-dict';
import { hasWeights, StoredWeights, type WeightFilesOptions } from './stored-weights';
import { writeAtomically } from './write-atomically';
import { writeText } from './write-json';

/** Settings that stand beside weights. */
const SETTINGS = ['config.json', 'generation_config.json'] as const;

/**
 * Writes a component's folder anew: settings as they are, numbers spelled as they were, but for the type of the weights;
 * weights in the wanted type and shards.
 *
 * @param source Folder of the component, which may also be the target.
 * @param from Which of its weights.
 * @throws When the source is gone or broken.
 */
export function rewriteComponent(
  source: string,
  from: WeightFilesOptions,
  target: string,
  options: SavePretrainedOptions = {},
): void {
  const weights = new StoredWeights(source, from);
  try {
    rewriteWeights(weights, target, options);
  } finally {
    weights.close();
  }
  for (const name of SETTINGS) {
    if (!existsSync(join(source, name))) continue;
    const text = readFileSync(join(source, name), 'utf8');
    writeText(join(target, name), withDtype(text, options.dtype ?? 'float32'));
  }
}

/**
 * Writes a pipeline's component anew: with weights as `rewriteComponent` does; a tokenizer or a scheduler is copied.
 *
 * @param from Which of its weights, if it has any.
 */
export function carryComponent(
  source: string,
  from: WeightFilesOptions,
  target: string,
  options: SavePretrainedOptions,
): void {
  if (hasWeights(source, from)) rewriteComponent(source, from, target, options);
  else copyFiles(source, target);
}

/**
 * Copies the files of a folder, not its folders.
 *
 * @param names Only these, as far as they exist. Default: all.
 */
export function copyFiles(source: string, target: string, names?: readonly string[]): void {
  if (resolve(source) === resolve(target)) return;
  const files = readdirSync(source, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && (names?.includes(entry.name) ?? true))
    .map((entry) => entry.name);
  mkdirSync(target, { recursive: true });
  for (const name of files) {
    const bytes = readFileSync(join(source, name));
    writeAtomically(join(target, name), (append) => append(bytes));
  }
}

/** transformers loads in the type that the settings name. */
function withDtype(json: string, dtype: WeightDtype): string {
  return json.replace(/("(?:torch_)?dtype"\s*:\s*)"(?:float32|float16|bfloat16)"/g, `$1"${dtype}"`);
}
