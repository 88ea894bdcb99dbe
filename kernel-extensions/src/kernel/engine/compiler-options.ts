import type ts from 'typescript';

/**
 * How cells are checked, on top of what tslab sets.
 *
 * @param ownPackages folders of packages that are found beside the kernel
 */
export function compilerOptions(ownPackages: ReadonlyMap<string, string>): ts.CompilerOptions {
  return {
    strict: true,
    moduleResolution: 100, // Bundler: `exports` maps and ES modules resolve as in a script
    experimentalDecorators: false, // the standard's decorators
    allowImportingTsExtensions: true,
    inlineSourceMap: true,
    types: ['node'],
    paths: Object.fromEntries([...ownPackages].map(([name, folder]) => [name, [folder]])),
  };
}

/** Complaints that do not stop a cell. */
export const IGNORED_CODES: ReadonlySet<number> = new Set([
  // A package without declarations is usable as `any`.
  7016,
  // A name whose type cannot be written in a declaration becomes `any` in later cells.
  2742,
  9005,
  9006,
  ...Array.from({ length: 113 }, (_, n) => 4000 + n),
]);
