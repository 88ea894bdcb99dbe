import { dirname, join } from 'node:path';
import type ts from 'typescript';

type TypeScript = typeof ts;

/** A function of the compiler that its declarations leave out. */
interface MatchFiles {
  matchFiles(
    path: string,
    extensions: readonly string[] | undefined,
    excludes: readonly string[] | undefined,
    includes: readonly string[] | undefined,
    caseSensitive: boolean,
    cwd: string,
    depth: number | undefined,
    entries: (folder: string) => { files: string[]; directories: string[] },
    realpath: (path: string) => string,
  ): string[];
}

/** Options that say how types are checked and code is written; where output goes is the kernel's business. */
const HONOURED = new Set([
  'strict',
  'alwaysStrict',
  'noImplicitAny',
  'noImplicitThis',
  'noImplicitOverride',
  'noImplicitReturns',
  'noFallthroughCasesInSwitch',
  'noUncheckedIndexedAccess',
  'noPropertyAccessFromIndexSignature',
  'strictNullChecks',
  'strictFunctionTypes',
  'strictBindCallApply',
  'strictPropertyInitialization',
  'strictBuiltinIteratorReturn',
  'exactOptionalPropertyTypes',
  'useUnknownInCatchVariables',
  'allowUnreachableCode',
  'allowUnusedLabels',
  'experimentalDecorators',
  'emitDecoratorMetadata',
  'useDefineForClassFields',
  'jsx',
  'jsxFactory',
  'jsxFragmentFactory',
  'jsxImportSource',
  'lib',
  'types',
  'typeRoots',
  'paths',
  'baseUrl',
  'pathsBasePath',
  'customConditions',
  'allowSyntheticDefaultImports',
  'esModuleInterop',
]);

const NOTEBOOK_FILE = 'notebook.ts';

/**
 * Compiler options of the nearest tsconfig.json, from the notebook's folder upwards, that covers a
 * TypeScript file in that folder; none where there is no such file.
 */
export function nearbyTsconfig(typescript: TypeScript, folder: string): ts.CompilerOptions {
  for (let place = folder; ; place = dirname(place)) {
    const file = join(place, 'tsconfig.json');
    if (typescript.sys.fileExists(file)) return readTsconfig(typescript, file, folder);
    if (place === dirname(place)) return {};
  }
}

function readTsconfig(typescript: TypeScript, file: string, folder: string): ts.CompilerOptions {
  const { config } = typescript.readConfigFile(file, typescript.sys.readFile);
  const host: ts.ParseConfigHost = {
    useCaseSensitiveFileNames: true,
    fileExists: typescript.sys.fileExists,
    readFile: typescript.sys.readFile,
    readDirectory: (root, extensions, excludes, includes, depth) =>
      (typescript as unknown as MatchFiles).matchFiles(
        root,
        extensions,
        excludes,
        includes,
        true,
        root,
        depth,
        (place) => entriesTowards(place, folder),
        (path) => path,
      ),
  };
  const parsed = typescript.parseJsonConfigFileContent(config, host, dirname(file), {}, file);
  const covers = parsed.fileNames.includes(join(folder, NOTEBOOK_FILE));
  const options = Object.entries(parsed.options).filter(([name]) => HONOURED.has(name));
  return covers ? Object.fromEntries(options) : {};
}

/** The file system as if it held one file: the notebook's. */
function entriesTowards(place: string, folder: string) {
  const here = place.replace(/\/$/, '');
  if (here === folder) return { files: [NOTEBOOK_FILE], directories: [] };
  if (!folder.startsWith(`${here}/`)) return { files: [], directories: [] };
  return { files: [], directories: [folder.slice(here.length + 1).split('/')[0]] };
}
