import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { isExported } from '../../script/exported-script';
import { readNotebook } from '../../notebook/notebook-file';
import { scriptProgram } from '../../script/script-program';
import { bundleFiles, copyBundle, type BundleFiles } from './bundle';
import { requireSize } from './describe-bundle';
import type { Job } from './launcher';
import { bundleMark } from './left-by-runs';

/** What is to be run, and with what. */
export interface JobRequest {
  /** A notebook, or a script. */
  file: string;
  /** Absolute folder that runs write to; the bundle is kept in it. */
  out: string;
  /** Parameters of each run, as `name=value`. */
  runs: readonly (readonly string[])[];
  /** Files and folders of the project to take along; all by default. */
  include?: readonly string[];
  /** Most bytes that the bundle may have. */
  mostBytes: number;
  /** Program and arguments before the script, where it runs. Default: those of this process. */
  program?: readonly string[];
}

/** A job of which nothing is written yet. */
export interface JobPlan {
  job: Job;
  sent: BundleFiles;
  project: string;
  /** The notebook or script, below the project. A script is among the files that are sent. */
  given: string;
  /** The script, below the bundle's folder. */
  script: string;
}

/** The project that a file belongs to: the nearest folder above with a package.json or of git's, else its own. */
export function projectOf(file: string): string {
  const own = path.dirname(path.resolve(file));
  for (let folder = own; ; folder = path.dirname(folder)) {
    if (['package.json', '.git'].some((name) => existsSync(path.join(folder, name)))) return folder;
    if (path.dirname(folder) === folder) return own;
  }
}

/**
 * Plans a job, and writes nothing: which files go along, what runs. A notebook becomes a script beside where it was.
 *
 * @throws When the file is not there, or the bundle is too large.
 */
export function planJob({ file, out, runs, include, mostBytes, program }: JobRequest): JobPlan {
  if (!existsSync(file))
    throw new Error(`Cannot submit "${file}" as it must be a file that exists`);
  const project = projectOf(file);
  const given = path.relative(project, path.resolve(file));
  const isNotebook = given.endsWith('.ipynb');
  const found = bundleFiles(project, include);
  const sent = isNotebook ? found : withScript(found, project, given);
  requireSize(sent, mostBytes);
  const script = isNotebook ? given.replace(/\.ipynb$/, '.submitted.ts') : given;
  const takesFolder = isNotebook || isExported(file);
  const job: Job = {
    name: path.basename(given, path.extname(given)),
    folder: path.join(out, 'bundle'),
    files: sent.files.includes(script) ? sent.files : [...sent.files, script],
    program: [...(program ?? scriptProgram()), script],
    tasks: runs.map((values, index) => {
      const directory = runs.length === 1 ? out : path.join(out, String(index + 1));
      const flags = values.map((value) => `--${value}`);
      return { parameters: [...flags, ...(takesFolder ? [`--out=${directory}`] : [])], directory };
    }),
  };
  return { job, sent, project, given, script };
}

/** A script that was given is sent whatever else is: it is listed with what is sent, and not with what stays. */
function withScript(sent: BundleFiles, project: string, script: string): BundleFiles {
  if (sent.files.includes(script)) return sent;
  const { size } = statSync(path.join(project, script));
  const others = (names: readonly string[]): string[] => names.filter((one) => one !== script);
  return {
    ...sent,
    files: [...sent.files, script].sort(),
    sizes: new Map([...sent.sizes, [script, size]]),
    bytes: sent.bytes + size,
    secrets: others(sent.secrets),
    outside: others(sent.outside),
    noFiles: new Map([...sent.noFiles].filter(([one]) => one !== script)),
    ignored: others(sent.ignored),
  };
}

/**
 * Writes a job's bundle: copies of the project's files, and the script that a notebook becomes.
 *
 * @returns What the notebook's author should know.
 * @throws When a notebook cannot stand as a script.
 */
export async function writeBundle(plan: JobPlan): Promise<string[]> {
  const { job, sent, project, given, script } = plan;
  const { folder } = job;
  mkdirSync(folder, { recursive: true });
  copyBundle(project, sent.files, folder);
  writeFileSync(path.join(folder, bundleMark), '');
  if (!given.endsWith('.ipynb')) return [];
  const { exportScript } = await import('../../export/export-script.js');
  const target = path.join(folder, script);
  const notebook = readNotebook(path.join(project, given));
  const { text, warnings } = await exportScript(notebook, path.join(folder, given), target, false);
  // Of the notebook's folder nothing may have been sent; the script runs in it.
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
  return warnings;
}
