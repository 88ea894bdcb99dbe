import { join } from 'node:path';
import { checkOptions, TEXT, type Rules } from '../core/option-rules';
import { carryComponent } from '../io/component-files';
import { openModelDirectory, type ModelIndexEntry } from '../io/model-directory';
import { SAVE_RULES, type SavePretrainedOptions } from '../io/state-dict';
import { DIFFUSERS_VERSION, writeJson } from '../io/write-json';
import { variantOf } from './variant-of';

/** A part of a pipeline that writes itself. */
export interface SavableComponent {
  /** Library and class, as model_index.json names them. */
  readonly modelIndexEntry: ModelIndexEntry;
  /** Writes itself as diffusers and transformers read it, into a folder such as `<model>/vae`. */
  savePretrained(folder: string, options?: SavePretrainedOptions): void;
}

/** Options of `savePipeline`. */
export interface SavePipelineOptions extends SavePretrainedOptions {
  /** Model directory whose other components are carried over, in the same type and shards. Default: there are none. */
  source?: string;
  /** Read the source's weight files of this variant where a component has them. Default: those of none. */
  sourceVariant?: string;
}

const RULES: Rules<SavePipelineOptions> = { ...SAVE_RULES, source: TEXT, sourceVariant: TEXT };

/**
 * Writes a model directory as diffusers does: a folder a component, and model_index.json, which comes last, so that a
 * directory that has it is whole.
 *
 * @param folder The model directory; it is made when it is missing.
 * @param className The pipeline's, for example `StableDiffusion3Pipeline`.
 * @param components By diffusers' names, such as `transformer`.
 * @example
 * // A trained transformer with everything else from the model that it was loaded from.
 * const source = 'datasets/tiny-qwen-image';
 * const transformer = QwenImageTransformer2DModel.fromPretrained(source);
 * savePipeline('runs/trained', 'QwenImagePipeline', { transformer }, { source, dtype: 'bfloat16' });
 */
export function savePipeline(
  folder: string,
  className: string,
  components: Readonly<Record<string, SavableComponent>>,
  all: SavePipelineOptions = {},
): void {
  checkOptions(`write a pipeline to "${folder}"`, all, RULES);
  const { source, sourceVariant, ...options } = all;
  const index: Record<string, unknown> = { _class_name: className };
  for (const [name, { modelIndexEntry }] of Object.entries(components)) {
    index[name] = modelIndexEntry;
  }
  if (source !== undefined) {
    const directory = openModelDirectory(source);
    const files = variantOf(directory, sourceVariant);
    // Where the source itself came from is not where this one does.
    Object.assign(index, directory.index, { _class_name: className, _name_or_path: undefined });
    const others = Object.keys(directory.components).filter(
      (name) => !Object.hasOwn(components, name),
    );
    for (const name of others) {
      const from = files(name);
      carryComponent(directory.componentPath(name), from, join(folder, name), options);
    }
  }
  for (const [name, component] of Object.entries(components)) {
    component.savePretrained(join(folder, name), options);
  }
  writeJson(join(folder, 'model_index.json'), { ...index, _diffusers_version: DIFFUSERS_VERSION });
}
