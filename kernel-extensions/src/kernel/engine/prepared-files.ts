import { statSync } from 'node:fs';
import type ts from 'typescript';

/** A file of declarations that a start image has read, and how. */
export type PreparedFile = { source: ts.SourceFile; size: number; mtimeMs: number } & Pick<
  ts.CreateSourceFileOptions,
  'languageVersion' | 'impliedNodeFormat'
>;

/** Files that were found as they had been: like all files in packages they are looked at once. */
const unchanged = new WeakSet<PreparedFile>();

/** The syntax tree of a prepared file; undefined when it is none, has changed since, or is to be read in another way. */
export function preparedSource(
  files: ReadonlyMap<string, PreparedFile>,
  path: string,
  options: ts.ScriptTarget | ts.CreateSourceFileOptions,
): ts.SourceFile | undefined {
  const known = files.get(path);
  if (!known || typeof options !== 'object') return undefined;
  const isAskedFor =
    options.languageVersion === known.languageVersion &&
    options.impliedNodeFormat === known.impliedNodeFormat;
  if (!isAskedFor || !(unchanged.has(known) || isUnchanged(path, known))) return undefined;
  unchanged.add(known);
  return known.source;
}

function isUnchanged(path: string, known: PreparedFile): boolean {
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return size === known.size && mtimeMs === known.mtimeMs;
}
