import { statSync } from 'node:fs';
import type ts from 'typescript';

/** A file of declarations that a start image has read, and how. */
export type PreparedFile = { source: ts.SourceFile; size: number; mtimeMs: number } & Pick<
  ts.CreateSourceFileOptions,
  'languageVersion' | 'impliedNodeFormat'
>;

/** The syntax tree of a prepared file; undefined when it is none, has changed since, or is to be read in another way. */
export function preparedSource(
  files: ReadonlyMap<string, PreparedFile>,
  path: string,
  options: ts.ScriptTarget | ts.CreateSourceFileOptions,
): ts.SourceFile | undefined {
  const known = files.get(path);
  if (!known || typeof options !== 'object') return undefined;
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  const isSame =
    size === known.size &&
    mtimeMs === known.mtimeMs &&
    options.languageVersion === known.languageVersion &&
    options.impliedNodeFormat === known.impliedNodeFormat;
  return isSame ? known.source : undefined;
}
