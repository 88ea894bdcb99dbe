import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { tf } from '../tensorflow';
import { readJsonObject } from './read-json';
import { readStateDict } from './state-dict';

/** Where a component's settings lie, in the order tried. */
const CONFIG_FILES = ['config.json', 'scheduler_config.json', 'tokenizer_config.json'] as const;

/** Library and class of a component, as model_index.json names them. */
export type ModelIndexEntry = readonly [library: string, className: string];

/** A model's folder in diffusers' layout: model_index.json and one folder a component. */
export interface ModelDirectory {
  /** The folder. */
  readonly path: string;
  /** `_class_name` of model_index.json, for example `QwenImagePipeline`. */
  readonly className: string;
  /** All of model_index.json. */
  readonly index: Readonly<Record<string, unknown>>;
  /** Each component's library and class, for example `transformer: ['diffusers', 'QwenImageTransformer2DModel']`. */
  readonly components: Readonly<Record<string, ModelIndexEntry>>;
  /** The component's folder. Throws when the model has no such component or its folder is missing. */
  componentPath(component: string): string;
  /** The component's settings. */
  config(component: string): Record<string, unknown>;
  /** The component's weights, floats as float32; the caller disposes them. */
  stateDict(component: string): Map<string, tf.Tensor>;
}

/**
 * Opens a model's folder.
 *
 * @param path The folder that holds model_index.json.
 * @throws When model_index.json is missing or names no class.
 * @example
 * const model = openModelDirectory('datasets/tiny-qwen-image');
 * model.className; // 'QwenImagePipeline'
 */
export function openModelDirectory(path: string): ModelDirectory {
  const indexPath = join(path, 'model_index.json');
  const index = readJsonObject(indexPath);
  const className = index._class_name;
  if (typeof className !== 'string') {
    throw new Error(
      `Cannot open model "${path}" as model_index.json must name a "_class_name": current value is ${className}`,
    );
  }
  const components = Object.fromEntries(Object.entries(index).filter(isComponent));
  const componentPath = (component: string): string => {
    const folder = join(path, component);
    if (!Object.hasOwn(components, component)) {
      throw new Error(
        `Cannot find component "${component}" in "${indexPath}": present are ${Object.keys(components).join(', ') || 'none'}`,
      );
    }
    if (!existsSync(folder)) {
      throw new Error(`Cannot open component "${component}" as its folder "${folder}" is missing`);
    }
    return folder;
  };
  return {
    path,
    className,
    index,
    components,
    componentPath,
    config: (component) => readComponentConfig(componentPath(component)),
    stateDict: (component) => readStateDict(componentPath(component)),
  };
}

/** Reads the settings of a component's folder: config.json, scheduler_config.json or tokenizer_config.json. */
export function readComponentConfig(folder: string): Record<string, unknown> {
  const found = CONFIG_FILES.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) {
    throw new Error(
      `Cannot read settings of "${folder}" as it must hold ${CONFIG_FILES.join(' or ')}: there is none`,
    );
  }
  return readJsonObject(found);
}

/**
 * The folder of a component, given the component's own folder or the model's.
 *
 * @param path `<model>` or `<model>/<component>`.
 */
export function resolveComponentPath(path: string, component: string): string {
  return existsSync(join(path, 'model_index.json'))
    ? openModelDirectory(path).componentPath(component)
    : path;
}

/** A component is `[library, class]`; `[null, null]` stands for one that was left out. */
function isComponent(entry: [string, unknown]): entry is [string, [string, string]] {
  const [, value] = entry;
  return (
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
  );
}
