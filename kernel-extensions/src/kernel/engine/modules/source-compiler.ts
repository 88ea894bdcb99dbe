import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { Script } from 'node:vm';
import type ts from 'typescript';
import { CELL_RUNTIME, moduleSyntaxTransformer } from '../cell-syntax';

type TypeScript = typeof ts;

/** What a compiled source file is called with. */
export interface SourceRuntime {
  import(specifier: string): Promise<object>;
  meta: object;
}

export interface CompiledSource {
  /** Modules that it imports statically. */
  imports: string[];
  /** Whether it awaits at top level, so that only import can load it. */
  isAsync: boolean;
  run(
    exports: object,
    require: NodeJS.Require,
    module: { exports: object },
    filename: string,
    dirname: string,
    runtime: SourceRuntime,
    ...globals: unknown[]
  ): unknown;
}

/**
 * Compiles a TypeScript file, or an ES module that Node would not take for one, to a function.
 *
 * @param globals names that it finds as if they were global
 * @param mapped takes the map from running code back to the file
 */
export function compileSource(
  ts: TypeScript,
  path: string,
  text: string,
  options: ts.CompilerOptions,
  globals: string[],
  mapped: (map: SourceMap) => void,
): CompiledSource {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const { parseDiagnostics } = source as ts.SourceFile & {
    parseDiagnostics: ts.DiagnosticWithLocation[];
  };
  if (parseDiagnostics.length > 0) throw syntaxError(ts, path, parseDiagnostics[0]);
  const { outputText, sourceMapText } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      ...options,
      module: ts.ModuleKind.CommonJS,
      allowJs: true,
      inlineSourceMap: false,
      sourceMap: true,
    },
    transformers: { before: [moduleSyntaxTransformer(ts, () => false)] },
  });
  if (sourceMapText) mapped(new SourceMap(JSON.parse(sourceMapText)));
  const isAsync = awaitsAtTopLevel(ts, source);
  const names = ['exports', 'require', 'module', '__filename', '__dirname', CELL_RUNTIME];
  const prefix = `(${isAsync ? 'async ' : ''}function (${[...names, ...globals].join(', ')}) { `;
  const code = outputText.replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, '');
  const script = new Script(`${prefix}${code}\n})`, {
    filename: path,
    columnOffset: -prefix.length,
  });
  return {
    imports: staticImports(ts, source),
    isAsync,
    run: script.runInThisContext() as CompiledSource['run'],
  };
}

/** Reads a file without the mark that some editors put first. */
export function readSource(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
}

function staticImports(ts: TypeScript, source: ts.SourceFile): string[] {
  const found: string[] = [];
  for (const node of source.statements) {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) continue;
    const isType = ts.isImportDeclaration(node) ? node.importClause?.isTypeOnly : node.isTypeOnly;
    if (isType || !node.moduleSpecifier || !ts.isStringLiteral(node.moduleSpecifier)) continue;
    found.push(node.moduleSpecifier.text);
  }
  return found;
}

function awaitsAtTopLevel(ts: TypeScript, source: ts.SourceFile): boolean {
  const visit = (node: ts.Node): boolean => {
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier))
      return true;
    if (ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node)) return false;
    return ts.forEachChild(node, (child) => visit(child) || undefined) ?? false;
  };
  return visit(source);
}

function syntaxError(ts: TypeScript, path: string, error: ts.DiagnosticWithLocation): SyntaxError {
  const { line, character } = error.file.getLineAndCharacterOfPosition(error.start);
  const text = ts.flattenDiagnosticMessageText(error.messageText, '\n');
  return new SyntaxError(`${path}, line ${line + 1}, column ${character + 1}: ${text}`);
}
