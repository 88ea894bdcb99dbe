// Run by `node --build-snapshot`: what is in memory at its end is in memory when the engine starts. Built-in modules only.
// Usage: entry.cjs '{"compilerPath": ..., "typeRoots": [...]}'
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, readdirSync, statSync } = require('node:fs');
const { dirname } = require('node:path');

const { compilerPath, typeRoots } = JSON.parse(process.argv.at(-1));

/** The compiler keeps Node's clock when it finds it, and this process's clock is not the engine's. */
function requireForCompiler(name) {
  if (name === 'perf_hooks') throw new Error('there is none');
  return require(name);
}

/** Loads the compiler without Node's loader, which is not there yet. */
function loadCompiler() {
  const module = { exports: {} };
  const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
  const text = `${readFileSync(compilerPath, 'utf8')}\n//# sourceURL=${compilerPath}`;
  const load = new Function(...parameters, text);
  load.call(
    module.exports,
    module.exports,
    requireForCompiler,
    module,
    compilerPath,
    dirname(compilerPath),
  );
  return module.exports;
}

const compiler = loadCompiler();
const libraries = dirname(compilerPath);
const options = {
  target: compiler.ScriptTarget.ES2022,
  module: compiler.ModuleKind.ESNext,
  moduleResolution: compiler.ModuleResolutionKind.Bundler,
  lib: ['lib.esnext.d.ts', 'lib.esnext.disposable.d.ts', 'lib.esnext.decorators.d.ts'],
  types: typeRoots.length > 0 ? ['node'] : [],
  typeRoots,
  strict: true,
  declaration: true,
  esModuleInterop: true,
  inlineSourceMap: true,
  skipLibCheck: true,
};

/** Path -> its syntax tree, bound, and what tells whether the file has changed since. */
const files = new Map();

function sourceFile(path, parseOptions) {
  const known = files.get(path);
  if (known) return known.source;
  const text = readFileSync(path, 'utf8');
  const source = compiler.createSourceFile(path, text, parseOptions);
  source.version = createHash('sha256').update(text).digest('hex');
  compiler.bindSourceFile(source, options);
  const { size, mtimeMs } = statSync(path);
  const { languageVersion, impliedNodeFormat } = parseOptions;
  files.set(path, { source, size, mtimeMs, languageVersion, impliedNodeFormat });
  return source;
}

/** Compiled once here, so that what the compiler needs for a cell is compiled itself. */
const CELL = `
import { join } from 'node:path';
interface Point { x: number; y?: string }
class Counter { private n = 0; next(): number { return ++this.n; } }
const counter = new Counter();
let list: Point[] = [1, 2].map((x) => ({ x, y: join('a', String(x)) }));
async function later<T>(value: T): Promise<T> { await null; return value; }
for (const { x } of list) console.log(\`\${x}\`, counter.next());
const last = await later(list.length);
export { Counter, counter, list, later, last };
`;
const CELL_PATH = '/cell.ts';

// The compiler's own host asks for the working directory once and remembers it; the engine has another.
const host = {
  getSourceFile: (path, parseOptions) =>
    path === CELL_PATH
      ? compiler.createSourceFile(path, CELL, parseOptions, true)
      : existsSync(path)
        ? sourceFile(path, parseOptions)
        : undefined,
  getDefaultLibFileName: () => `${libraries}/lib.esnext.d.ts`,
  getDefaultLibLocation: () => libraries,
  getCurrentDirectory: () => '/',
  getCanonicalFileName: (path) => path,
  useCaseSensitiveFileNames: () => true,
  getNewLine: () => '\n',
  fileExists: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
  directoryExists: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  getDirectories: (path) => (existsSync(path) ? readdirSync(path) : []),
  readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
  writeFile: () => {},
};
const program = compiler.createProgram([CELL_PATH], options, host);
const cell = program.getSourceFile(CELL_PATH);
const complaints = compiler.getPreEmitDiagnostics(program, cell);
if (complaints.length > 0) {
  const text = complaints.map(({ messageText }) =>
    compiler.flattenDiagnosticMessageText(messageText, '\n'),
  );
  throw new Error(`Cannot make a start image as its cell must compile: ${text.join('; ')}`);
}
program.emit(cell, () => {});
compiler.transpileModule(CELL, {
  compilerOptions: { module: compiler.ModuleKind.CommonJS, target: options.target },
});

globalThis[Symbol.for('flowbook.start-image')] = { compiler, compilerPath, files };
