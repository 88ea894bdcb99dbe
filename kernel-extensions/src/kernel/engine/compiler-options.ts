import type ts from 'typescript';
import type { NotebookSettings } from './notebook-settings';

/** TypeScript's numbers, which its declarations hold in const enums. */
const BUNDLER = 100 as ts.ModuleResolutionKind.Bundler;
const JSX_REACT = 2 as ts.JsxEmit.React;
const ES2022 = 9 as ts.ScriptTarget.ES2022;

/** The first Node with all of what TypeScript calls esnext. */
const NODE_OF_ESNEXT = 22;

/**
 * How cells are checked and emitted, on top of what tslab sets.
 *
 * @param ownPackages folders of packages that are found beside the kernel
 * @param tsconfig what a tsconfig.json near the notebook asks for
 */
export function compilerOptions(
  { dialect, strict }: NotebookSettings,
  ownPackages: ReadonlyMap<string, string>,
  tsconfig: ts.CompilerOptions,
): ts.CompilerOptions {
  const isTslab = strict === false;
  const nearby = dialect === 'flowbook' ? tsconfig : withoutChecks(tsconfig);
  const own = [...ownPackages].map(([name, folder]): [string, string[]] => [name, [folder]]);
  return {
    strict: true,
    experimentalDecorators: isTslab, // else the standard's decorators
    esModuleInterop: true, // as for cells: a CommonJS module is its own default
    jsx: JSX_REACT,
    types: ['node'],
    lib: libraries(dialect !== 'flowbook' && dialect !== 'tslab'),
    libReplacement: false, // else a package is looked for in place of each library, folder by folder
    ...nearby,
    ...(strict === null ? {} : { ...withoutStrictness(nearby), strict }),
    target: ES2022,
    moduleResolution: BUNDLER, // `exports` maps and ES modules resolve as in a script
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    checkJs: false,
    inlineSourceMap: true,
    paths: { ...Object.fromEntries(own), ...tsconfig.paths },
  };
}

/** What the running Node knows; with the names of a browser for code that was written for one, too. */
function libraries(withBrowser: boolean): string[] {
  const node = Number(process.versions.node.split('.')[0]);
  const names =
    node >= NODE_OF_ESNEXT ? ['esnext'] : ['es2023', 'esnext.disposable', 'esnext.decorators'];
  if (withBrowser) names.push('dom', 'dom.iterable');
  return names.map((name) => `lib.${name}.d.ts`);
}

/** Other kernels check a notebook by their own rules, whatever lies near it: JSX and paths are left. */
function withoutChecks(tsconfig: ts.CompilerOptions): ts.CompilerOptions {
  const kept = Object.entries(tsconfig).filter(([name]) => /^(jsx|paths|baseUrl)/.test(name));
  return Object.fromEntries(kept);
}

/** The settings' `strict` wins over everything of its family in a tsconfig.json. */
function withoutStrictness(tsconfig: ts.CompilerOptions): ts.CompilerOptions {
  const family = Object.keys(tsconfig).filter((name) =>
    /^(strict|noImplicit|alwaysStrict)/.test(name),
  );
  return Object.fromEntries(family.map((name) => [name, undefined]));
}

/** Complaints that do not stop a cell. */
export const IGNORED_CODES: ReadonlySet<number> = new Set([
  // A package without declarations is usable as `any`.
  7016,
  // JSX without declarations of its elements, or of the module that makes them, is `any`.
  7026,
  2875,
  // `import a = require(b)` has a meaning in a cell.
  1202,
  // What a cell imports may lie in any folder.
  6059,
  // A name whose type cannot be written in a declaration becomes `any` in later cells.
  2742,
  2527,
  9005,
  9006,
  2883,
  ...Array.from({ length: 113 }, (_, n) => 4000 + n),
]);
