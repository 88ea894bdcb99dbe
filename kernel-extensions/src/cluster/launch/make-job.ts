import { existsSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { isExported } from '../../notebook/exported-script';
import { readNotebook } from '../../notebook/notebook-file';
import { scriptProgram } from '../../notebook/script-program';
import { bundleFiles, copyBundle, type BundleFiles } from './bundle';
import type { Job } from './launcher';

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
 * Makes a job: its files are copied, a notebook becomes a script beside where it was.
 *
 * @throws When the file is not there, or a notebook cannot stand as a script.
 */
export async function makeJob({
  file,
  out,
  runs,
  include,
}: JobRequest): Promise<{ job: Job; sent: BundleFiles; warnings: readonly string[] }> {
  if (!existsSync(file))
    throw new Error(`Cannot submit "${file}" as it must be a file that exists`);
  const project = projectOf(file);
  const sent = bundleFiles(project, include);
  const folder = path.join(out, 'bundle');
  copyBundle(project, sent.files, folder);
  const files = [...sent.files];
  const given = path.relative(project, path.resolve(file));
  let script = given;
  let warnings: readonly string[] = [];
  if (given.endsWith('.ipynb')) {
    script = given.replace(/\.ipynb$/, '.submitted.ts');
    const { exportScript } = await import('../../notebook/export-script.js');
    const target = path.join(folder, script);
    const exported = await exportScript(
      readNotebook(file),
      path.join(folder, given),
      target,
      false,
    );
    writeFileSync(target, exported.text);
    warnings = exported.warnings;
  } else if (!files.includes(given)) {
    copyBundle(project, [given], folder);
  }
  if (!files.includes(script)) files.push(script);
  const takesFolder = isExported(path.join(folder, script));
  const job: Job = {
    name: path.basename(given, path.extname(given)),
    folder,
    files,
    program: [...scriptProgram(), script],
    tasks: runs.map((values, index) => {
      const directory = runs.length === 1 ? out : path.join(out, String(index + 1));
      const flags = values.map((value) => `--${value}`);
      return { parameters: [...flags, ...(takesFolder ? [`--out=${directory}`] : [])], directory };
    }),
  };
  return { job, sent, warnings };
}
