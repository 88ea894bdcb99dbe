import { join } from 'node:path';
import { locateWeights, readWeightIndex } from '../io/stored-weights';
import type { ModelFiles } from '../io/model-files';
import { readJsonObject } from '../io/read-json';
import { DTYPES, type SafetensorsDtype, type SafetensorsInfo } from '../io/safetensors-header';
import { checkWeights } from '../models/check-weights';
import { isHalved, type ModelDtype } from '../models/model-dtype';
import { knownClasses } from './known-classes';
import type { ComponentReport } from './model-report';

/** Bytes of a value once loaded: floats become float32, whole numbers int32, truth values stay. */
const LOADED_BYTES = 4;
const BFLOAT16_BYTES = 2;

/** A component with what further questions need. */
export interface InspectedComponent {
  report: ComponentReport;
  /** config.json; empty without one. */
  config: Record<string, unknown>;
  /** All tensors of the files, by name. */
  tensors: ReadonlyMap<string, SafetensorsInfo>;
}

/** Where a component lies and what it is called. */
export interface ComponentPlace {
  /** The folder in the model; empty for the model's own. */
  folder: string;
  name: string;
  library: string | null;
  className: string | null;
  variant?: string;
  /** What it is loaded in. */
  dtype: ModelDtype;
}

/** Reads the settings and headers of a component's folder. */
export async function inspectComponent(
  model: ModelFiles,
  { folder, name, library, className, variant, dtype }: ComponentPlace,
): Promise<InspectedComponent> {
  const names = model.names(folder);
  const has = (file: string) => names.includes(file);
  const at = (file: string) => (folder === '' ? file : `${folder}/${file}`);
  const config = has('config.json')
    ? readJsonObject(join(model.directory, folder, 'config.json'))
    : {};
  const found = locateWeights(has, variant) ?? locateWeights(has);
  const files =
    found === null
      ? []
      : found.isIndex
        ? [...readWeightIndex(join(model.directory, folder, found.name)).keys()]
        : [found.name];
  const missing = files.find((file) => !has(file));
  if (missing !== undefined) {
    throw new Error(
      `Cannot inspect "${name}" of "${model.directory}" as its index names "${missing}", which is missing`,
    );
  }
  if (names.length === 0) return missingComponent({ name, library, className });
  const named = { name, library, className: className ?? classOf(config), config, dtype };
  return describeWeights(model, files.map(at), named);
}

/** Describes weight files, of a class if there is one. */
export async function describeWeights(
  model: ModelFiles,
  paths: readonly string[],
  {
    name,
    library,
    className,
    config,
    dtype = 'float32',
  }: Pick<ComponentReport, 'name' | 'library' | 'className'> & {
    config: Record<string, unknown>;
    dtype?: ModelDtype;
  },
): Promise<InspectedComponent> {
  const headers = await Promise.all(paths.map((path) => model.header(path)));
  const tensors = new Map(headers.flatMap((header) => [...header.tensors]));
  const files = paths.map((path) => ({ path, bytes: model.bytes(path) }));
  const known = className === null ? undefined : knownClasses[className];
  const dtypes: Partial<Record<SafetensorsDtype, number>> = {};
  let parameters = 0;
  for (const [tensor, { dtype, byteLength }] of tensors) {
    const values = byteLength / DTYPES[dtype];
    dtypes[dtype] = (dtypes[dtype] ?? 0) + values;
    if (!known?.buffers?.includes(tensor)) parameters += values;
  }
  let loadedBytes = [...tensors.values()].reduce((sum, info) => sum + loaded(info), 0);
  let problem: string | null = null;
  if (known !== undefined) {
    try {
      const expected = known.expected(config, [...tensors.keys()]);
      loadedBytes = 0;
      for (const [tensor, shape] of expected.shapes) {
        const isHalf = dtype === 'bfloat16' && known.autoencoder === undefined && isHalved(shape);
        const bytes = isHalf ? BFLOAT16_BYTES : LOADED_BYTES;
        loadedBytes += bytes * (known.kept?.(tensor, shape) ?? product(shape));
      }
      checkWeights(`load ${className}`, expected, tensors);
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  const isKnown = known !== undefined;
  const diskBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const counted = { parameters, dtypes, files, diskBytes, loadedBytes, problem };
  return { report: { name, library, className, isKnown, ...counted }, config, tensors };
}

function missingComponent(
  named: Pick<ComponentReport, 'name' | 'library' | 'className'>,
): InspectedComponent {
  const problem = 'its folder is missing or empty';
  const counts = { parameters: 0, dtypes: {}, files: [], diskBytes: 0, loadedBytes: 0, problem };
  const isKnown = Object.hasOwn(knownClasses, named.className ?? '');
  return { report: { ...named, isKnown, ...counts }, config: {}, tensors: new Map() };
}

function loaded({ dtype, byteLength }: SafetensorsInfo): number {
  return dtype === 'BOOL' ? byteLength : (byteLength / DTYPES[dtype]) * LOADED_BYTES;
}

function product(shape: readonly number[]): number {
  return shape.reduce((values, length) => values * length, 1);
}

/** diffusers' key, or the first of transformers' list. */
function classOf(config: Record<string, unknown>): string | null {
  const { _class_name: own, architectures } = config;
  const name = own ?? (Array.isArray(architectures) ? architectures[0] : null);
  return typeof name === 'string' ? name : null;
}
