import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { tf } from '../../sdk/src/tensorflow';
import { readSafetensors } from '../../sdk/src/io';

/** A case's description: every family has fields of its own. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Description = Record<string, any>;

/** What a checker says about one case. */
export interface CaseResult {
  status: 'passed' | 'failed' | 'skipped';
  /** |difference| at the element that uses up most of its tolerance. */
  worst: number;
  /** Largest deviation of any tensor, over that tensor's largest number. */
  relative?: number;
  /** What was allowed at that element: the case passes when worst <= tolerance everywhere. */
  tolerance: number;
  /** The tensor that is worst, the error's message, or the name of what is not built yet. */
  detail?: string;
}

/** Checks one case of a family. Lives in families/<family with dashes>.ts as `check`. */
export type FamilyCheck = (goldenCase: GoldenCase) => Promise<CaseResult>;

/** One recorded case: a JSON description and, beside it, its tensors. */
export class GoldenCase {
  #json: Description | null = null;
  #tensors: Map<string, tf.Tensor> | null = null;

  /**
   * @param root Absolute folder that holds `models/` and `cases/`.
   * @param file Absolute path of the case's JSON file.
   */
  constructor(
    readonly root: string,
    readonly file: string,
  ) {}

  /** Folder of the case below `cases/`, for example `scheduler_step`. */
  get family(): string {
    return relative(join(this.root, 'cases'), this.file).split(sep)[0];
  }

  /** File name without its extension. */
  get name(): string {
    return relative(join(this.root, 'cases', this.family), this.file).replace(/\.json$/, '');
  }

  /** The description; `{"special": "nan" | "inf" | "-inf"}` is read as that number. */
  get json(): Description {
    this.#json ??= JSON.parse(readFileSync(this.file, 'utf8'), readSpecialNumber);
    return this.#json as Description;
  }

  /** The tensors by name, read at the first use. Empty without a tensor file. */
  get tensors(): Map<string, tf.Tensor> {
    const path = this.file.replace(/\.json$/, '.safetensors');
    this.#tensors ??= existsSync(path) ? readSafetensors(path) : new Map();
    return this.#tensors;
  }

  /** The tensor under `name`. Throws when the case lacks it. */
  readonly tensor = (name: string): tf.Tensor => {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`Cannot find tensor "${name}" in case ${this.name}`);
    return tensor;
  };

  /** The absolute path of something that the description names relative to the root. */
  path(relativePath: string): string {
    return join(this.root, relativePath);
  }
}

/** All cases below `root`, sorted. Throws when there is none. */
export function findCases(root: string): GoldenCase[] {
  const absolute = resolve(root);
  const folder = join(absolute, 'cases');
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        /.[\\/].*\.json$/.test(name),
      )
    : [];
  if (files.length === 0) {
    throw new Error(`Cannot check golden cases as there is no cases/*/*.json below ${absolute}`);
  }
  return files.sort().map((name) => new GoldenCase(absolute, join(folder, name)));
}

function readSpecialNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('special' in value)) return value;
  return { nan: NaN, inf: Infinity, '-inf': -Infinity }[String(value.special)] ?? value;
}
