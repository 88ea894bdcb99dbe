import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { inParallel } from '../../core/in-parallel';
import { formatBytes } from '../../core/format-bytes';
import { checkOptions, FUNCTION, type Rules } from '../../core/option-rules';
import { localModelFiles, type ModelFiles } from '../model-files';
import { downloadBlob } from './download-blob';
import { ProgressMeter } from './download-progress';
import { HubCache, hasFile, isCommit } from './hub-cache';
import { HubModel } from './hub-model';
import { HUB_RULES, hubSettings, type HubOptions, type HubSettings } from './hub-settings';
import { settingsFiles, weightFiles } from './needed-files';

/** Files at a time. */
const PARALLEL_FILES = 4;
const INDEX = 'model_index.json';

/** What `downloadModel` takes. */
export interface DownloadOptions extends HubOptions {
  /** Called when settings are here and weights are not, with the files by name, size and header. */
  beforeWeights?: (model: ModelFiles) => void | Promise<void>;
}

const RULES: Rules<DownloadOptions> = { ...HUB_RULES, beforeWeights: FUNCTION };

/**
 * Downloads what a pipeline needs of a model on a hub into the cache that the ecosystem shares: model_index.json, and of
 * each component its settings and its safetensors weights. Files that are there already, by whichever program, stay;
 * a download that was cut goes on where it was. Hashes are checked.
 *
 * @param name `owner/name`
 * @returns The model's folder in the cache, in diffusers' layout.
 * @throws When there is no such option; when the hub refuses; offline, when the cache lacks a file; when the disk is too small.
 */
export async function downloadModel(name: string, options: DownloadOptions = {}): Promise<string> {
  checkOptions(`download "${name}"`, options, RULES);
  const settings = hubSettings(options);
  const cached = cachedModel(name, settings);
  if (cached !== null) {
    await options.beforeWeights?.(localModelFiles(cached));
    return cached;
  }
  const model = await downloadSettings(name, settings);
  await options.beforeWeights?.(model);
  await download(model, weightFiles(model, settings.variant));
  return model.directory;
}

/**
 * The files of a model on a hub, with its settings in the cache and its weights wherever they are: enough to inspect it.
 */
export async function openHubModel(name: string, options: HubOptions = {}): Promise<ModelFiles> {
  const settings = hubSettings(options);
  const cached = cachedModel(name, settings);
  return cached === null ? downloadSettings(name, settings) : localModelFiles(cached);
}

async function downloadSettings(name: string, settings: HubSettings): Promise<HubModel> {
  const model = await HubModel.find(name, settings);
  if (!model.files.has(INDEX)) {
    const found = model.names('').slice(0, 8).join(', ') || 'nothing';
    throw new Error(
      `Cannot load model "${name}" as it must be in diffusers' layout, with ${INDEX}: current value holds ${found}`,
    );
  }
  await download(model, [INDEX], false);
  await download(model, settingsFiles(model), false);
  return model;
}

async function download(model: HubModel, paths: string[], isTold = true): Promise<void> {
  const { cache, commit, directory, settings } = model;
  const missing = paths
    .map((path) => model.files.get(path))
    .filter((file) => file !== undefined)
    .filter(({ path, bytes }) => !hasFile(join(directory, path), bytes));
  if (missing.length === 0) return;
  const blobs = cache.blobs();
  const totalBytes = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  checkDisk(blobs, totalBytes, model.name);
  const meter = new ProgressMeter(model.name, totalBytes, settings.onProgress ?? null);
  const onBytes = isTold ? meter.add : () => {};
  await inParallel(missing, PARALLEL_FILES, settings.signal, async (file, signal) => {
    const blob = join(blobs, file.hash);
    if (hasFile(blob, file.bytes)) {
      onBytes(file.bytes);
    } else {
      const read = (start: number) => model.read(file.path, start, signal);
      await downloadBlob({ file, blob, read, signal, onBytes });
    }
    cache.link(commit, file.path, file.hash);
  });
  if (isTold) meter.finish();
}

/** A whole model in the cache that needs no network: offline, or named by its commit. Else null. */
function cachedModel(name: string, { cacheFolder, revision, variant, offline }: HubSettings) {
  const cache = new HubCache(cacheFolder, name);
  const commit = cache.commitOf(revision);
  if (!offline && !isCommit(revision)) return null;
  const directory = commit === null ? null : cache.snapshot(commit);
  const missing = directory === null ? 'nothing' : firstMissing(directory, variant);
  if (missing === null) return directory;
  if (!offline) return null;
  const found =
    directory === null ? `no revision "${revision}"` : `${directory}, where ${missing} is missing`;
  throw new Error(
    `Cannot load model "${name}" offline as ${cacheFolder} must hold all of it: current value is ${found}`,
  );
}

/** What a snapshot lacks, or null. */
function firstMissing(directory: string, variant: string | undefined): string | null {
  if (!existsSync(join(directory, INDEX))) return INDEX;
  try {
    const model = localModelFiles(directory);
    weightFiles(model, variant);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function checkDisk(folder: string, needed: number, name: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < needed) {
    throw new Error(
      `Cannot download model "${name}" as ${folder} must have ${formatBytes(needed)} free: current value is ${formatBytes(bavail * bsize)}`,
    );
  }
}
