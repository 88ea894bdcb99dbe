import { join } from 'node:path';
import { openModelDirectory } from '../model-directory';
import type { ModelFiles } from '../model-files';
import { locateWeights, readWeightIndex } from '../stored-weights';

/** Settings, vocabularies and templates; what other frameworks need is left out. */
const SETTINGS = /\.(json|txt|model|jinja)$/;
const OTHER_FRAMEWORKS = /(\.bin\.index\.json|\.msgpack\.index\.json|\.h5|\.onnx)$/;

/** The small files of all components, with model_index.json read from `directory`. */
export function settingsFiles(model: ModelFiles): string[] {
  return componentFolders(model).flatMap((component) =>
    model
      .names(component)
      .filter((name) => SETTINGS.test(name) && !OTHER_FRAMEWORKS.test(name))
      .map((name) => `${component}/${name}`),
  );
}

/**
 * The safetensors files of all components, with model_index.json and the weights' indexes read from `directory`. Of
 * components that have the variant it is those, of others the plain ones, as in diffusers.
 *
 * @throws When no component has the variant, a shard is missing, or a component has weights in other forms only.
 */
export function weightFiles(model: ModelFiles, variant: string | undefined): string[] {
  const folders = componentFolders(model);
  const locate = (component: string, wanted?: string) =>
    locateWeights((name) => model.names(component).includes(name), wanted);
  const hasVariant = folders.some(
    (component) => variant !== undefined && locate(component, variant),
  );
  if (variant !== undefined && !hasVariant) {
    throw new Error(
      `Cannot load model "${model.directory}" as a component must have weights of variant "${variant}": components are ${folders.join(', ')}`,
    );
  }
  return folders.flatMap((component) => {
    const found = locate(component, variant) ?? locate(component);
    if (found === null) {
      checkNeedsNone(model, component);
      return [];
    }
    const names = found.isIndex
      ? [...readWeightIndex(join(model.directory, component, found.name)).keys()]
      : [found.name];
    const missing = names.find((name) => !model.names(component).includes(name));
    if (missing !== undefined) {
      throw new Error(
        `Cannot load model "${model.directory}" as the index of component "${component}" names "${missing}", which is missing`,
      );
    }
    return names.map((name) => `${component}/${name}`);
  });
}

function componentFolders(model: ModelFiles): string[] {
  const { components } = openModelDirectory(model.directory);
  return Object.keys(components).map((name) => {
    if (!/^\w[\w-]*$/.test(name)) {
      throw new Error(
        `Cannot load model "${model.directory}" as its components must be plain folders: current value is ${JSON.stringify(name)}`,
      );
    }
    return name;
  });
}

/** A scheduler or a tokenizer has no weights; whatever has a config.json is a model. */
function checkNeedsNone(model: ModelFiles, component: string): void {
  const names = model.names(component);
  const other = names.filter((name) => /\.(bin|msgpack|h5|ckpt|pt|safetensors)$/.test(name));
  if (names.length > 0 && other.length === 0 && !names.includes('config.json')) return;
  throw new Error(
    `Cannot load model "${model.directory}" as component "${component}" must have safetensors weights or need none: current value is ${other.join(', ') || names.join(', ') || 'no such folder'}`,
  );
}
