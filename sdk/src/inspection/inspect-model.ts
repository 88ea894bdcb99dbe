import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { drawOrDescribe, jupyterDisplay } from '../core/jupyter-display';
import { ANYTHING, checkOptions, SWITCH, type Rules } from '../core/option-rules';
import { openHubModel } from '../io/hub/download-model';
import { isHubName } from '../io/hub/hub-name';
import { HUB_RULES, type HubOptions } from '../io/hub/hub-settings';
import { LORA_FILE_NAMES } from '../io/lora-file';
import { openModelDirectory } from '../io/model-directory';
import { localModelFiles, type ModelFiles } from '../io/model-files';
import { holdingOf } from '../models/model-dtype';
import { formatModelReport } from './format-report';
import {
  describeWeights,
  inspectComponent,
  type ComponentPlace,
  type InspectedComponent,
} from './inspect-component';
import { inspectLora } from './inspect-lora';
import { MEMORY_DEFAULTS, memoryNeeds } from './memory-needs';
import type { MemorySettings, ModelReport } from './model-report';

/** What memory is computed for, and how a model is found on a hub. */
export interface InspectOptions extends Partial<MemorySettings>, HubOptions {}

const RULES: Rules<InspectOptions> = {
  ...HUB_RULES,
  height: ANYTHING,
  width: ANYTHING,
  batch: ANYTHING,
  textTokens: ANYTHING,
  rank: ANYTHING,
  targetModules: ANYTHING,
  average: SWITCH,
  dtype: ANYTHING,
};

type Found = Pick<ModelReport, 'kind' | 'className'> & { components: InspectedComponent[] };

/**
 * Says what a model consists of and how much memory it needs, from settings and from the headers of its files: no weights
 * are read, and of a model on a hub none are downloaded.
 *
 * @param path A model's folder in diffusers' layout, a component's folder, an adapter's folder, a .safetensors file, or
 *   `owner/name` on a hub.
 * @throws When there is nothing of the kind, a header or a setting is broken, or an option cannot be.
 * @example
 * const report = await inspectModel('datasets/tiny-qwen-image', { height: 64, width: 64, rank: 4 });
 * report.components.map(({ name }) => name); // ['scheduler', 'text_encoder', 'tokenizer', 'transformer', 'vae']
 * report.memory.inference.weights; // 7048572
 */
export async function inspectModel(
  path: string,
  options: InspectOptions = {},
): Promise<ModelReport> {
  checkOptions(`inspect "${path}"`, options, RULES);
  if (isHubName(path)) return inspectFiles(path, await openHubModel(path, options), options);
  if (!existsSync(path)) {
    throw new Error(
      `Cannot inspect "${path}" as it must be a folder, a .safetensors file or owner/name on a hub: there is nothing`,
    );
  }
  if (statSync(path).isDirectory()) return inspectFiles(path, localModelFiles(path), options);
  if (!path.endsWith('.safetensors')) {
    throw new Error(
      `Cannot inspect "${path}" as a file must end in .safetensors: current value is ${basename(path)}`,
    );
  }
  const component = await singleFile(localModelFiles(dirname(path)), basename(path));
  return report(path, { kind: 'weights', className: null, components: [component] }, options);
}

/** The same for files that were found already. */
export async function inspectFiles(
  path: string,
  model: ModelFiles,
  options: InspectOptions = {},
): Promise<ModelReport> {
  const { variant, dtype = MEMORY_DEFAULTS.dtype } = options;
  holdingOf(dtype, `inspect "${path}"`);
  const names = model.names('');
  if (names.includes('model_index.json')) {
    return report(path, await pipeline(model, { variant, dtype }), options);
  }
  const adapter = LORA_FILE_NAMES.find((name) => names.includes(name));
  if (adapter !== undefined) {
    const component = await singleFile(model, adapter);
    return report(path, { kind: 'weights', className: null, components: [component] }, options);
  }
  if (names.includes('config.json')) {
    const named = { name: basename(path), library: null, className: null };
    const place = { folder: '', ...named, variant, dtype };
    const components = [await inspectComponent(model, place)];
    return report(path, { kind: 'component', className: null, components }, options);
  }
  throw new Error(
    `Cannot inspect "${path}" as it must hold model_index.json, config.json or an adapter: current value is ${names.slice(0, 8).join(', ') || 'an empty folder'}`,
  );
}

async function pipeline(
  model: ModelFiles,
  loading: Pick<ComponentPlace, 'variant' | 'dtype'>,
): Promise<Found> {
  const { className, components } = openModelDirectory(model.directory);
  const inspected = await Promise.all(
    Object.entries(components).map(([name, [library, className]]) => {
      return inspectComponent(model, { folder: name, name, library, className, ...loading });
    }),
  );
  return { kind: 'pipeline', className, components: inspected };
}

function singleFile(model: ModelFiles, name: string): Promise<InspectedComponent> {
  return describeWeights(model, [name], { name, library: null, className: null, config: {} });
}

function report(path: string, found: Found, options: InspectOptions): ModelReport {
  const settings = Object.fromEntries(
    Object.entries(MEMORY_DEFAULTS).map(([key, value]) => [
      key,
      options[key as keyof MemorySettings] ?? value,
    ]),
  ) as unknown as MemorySettings;
  const lora = found.kind === 'weights' ? inspectLora(found.components[0].tensors) : null;
  const result = {
    path,
    kind: lora === null ? found.kind : ('lora' as const),
    className: found.className,
    components: found.components.map((component) => component.report),
    lora,
    memory: memoryNeeds(found.components, settings),
  };
  // Not enumerable: the report stays plain data for JSON and comparisons.
  return Object.defineProperty(result, jupyterDisplay, {
    value: () => drawOrDescribe(result, () => formatModelReport(result)),
  }) as ModelReport;
}
