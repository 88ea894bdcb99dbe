import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ANYTHING, listOf, required, TEXT, type Rules } from '../core/option-rules';
import type { DiffusionModelConfigInput } from '../config';
import { loadPipeline, type LoadPipelineOptions, type RolloutPipeline } from '../pipelines';

/** What workers load: the same model as the trainer's, before any training. Plain JSON. */
export interface WorkerModel {
  /** Model directory, at the same place on each machine, or `owner/name` on a hub. */
  path: string;
  /** As `loadPipeline` takes it. Default: none. */
  config?: Omit<DiffusionModelConfigInput, 'path'>;
  /** As `loadPipeline` takes it. Default: none. */
  options?: Pick<LoadPipelineOptions, 'variant' | 'dtype' | 'seed'>;
  /** Modules to import before, which register own architectures: paths or packages. Default: none. */
  modules?: readonly string[];
}

/** What workers load must be. */
export const WORKER_MODEL_RULES: Rules<WorkerModel> = {
  path: required(TEXT),
  // `loadPipeline` has the rules of both.
  config: ANYTHING,
  options: ANYTHING,
  modules: listOf(TEXT, { words: 'a list of texts', least: 0 }),
};

/** The absolute path of a file or directory that there is; else the name as it is, of a package or on a hub. */
export function absoluteWhereThere(name: string): string {
  return existsSync(name) ? resolve(name) : name;
}

/** With absolute paths where there is such a file or directory: a worker runs in a folder of its own. */
export function withAbsolutePaths({ path, modules = [], ...rest }: WorkerModel): WorkerModel {
  return { ...rest, path: absoluteWhereThere(path), modules: modules.map(absoluteWhereThere) };
}

/** The pipeline that a worker rolls out with. */
export async function loadWorkerModel({
  path,
  config = {},
  options = {},
  modules = [],
}: WorkerModel): Promise<RolloutPipeline> {
  for (const name of modules) await import(name);
  return loadPipeline<RolloutPipeline>(path, config, options);
}
