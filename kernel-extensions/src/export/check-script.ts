import { statSync } from 'node:fs';
import * as path from 'node:path';
import ts from 'typescript';
import { findSections } from '../script/script-sections';

/** What the type checker says about a script. */
export interface ScriptCheck {
  /** Ids of cells whose last expression, handed to `result`, has no value: void, undefined, null, never. */
  withoutResult: Set<string>;
  /** Type errors, each with its line and cell, and the cell's id alone. */
  problems: { text: string; cell: string | undefined }[];
}

const mostProblems = 10;

/**
 * An ES module in a script of CommonJS, imported or named in a type: TypeScript refuses what the kernel, tsx and Node's own
 * require() load.
 */
const esModuleInCommonJs = new Set([1479, 1541, 1542]);

const nothing = ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.Never;

const strict: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
  esModuleInterop: true,
  resolveJsonModule: true,
};

/** Type-checks versions of one script, as if they were in its file, under `strict` and the nearest tsconfig.json's paths. */
export class ScriptChecker {
  private readonly options: ts.CompilerOptions;
  private readonly host: ts.CompilerHost;
  private text = '';
  private program: ts.Program | undefined;

  constructor(private readonly file: string) {
    this.options = {
      ...strict,
      ...nearestOptions(path.dirname(file)),
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    this.host = ts.createCompilerHost(this.options, true);
    const { fileExists, getSourceFile } = this.host;
    const isScript = (name: string): boolean => path.resolve(name) === file;
    const parsed = parsedUnder(this.options);
    // The files that a script imports stay the same from version to version.
    const known = new Map<string, ts.SourceFile | undefined>();
    this.host.fileExists = (name) => isScript(name) || fileExists(name);
    this.host.getSourceFile = (name, language) => {
      if (isScript(name)) return ts.createSourceFile(name, this.text, language, true);
      if (!known.has(name))
        known.set(
          name,
          parsed(name, () => getSourceFile(name, language)),
        );
      return known.get(name);
    };
  }

  check(text: string, cellVariable: string): ScriptCheck {
    this.text = text;
    this.program = ts.createProgram([this.file], this.options, this.host, this.program);
    const { program, file } = this;
    const script = program.getSourceFile(file)!;
    const sections = findSections(script);
    const lineOf = (at: number): number => script.getLineAndCharacterOfPosition(at).line;
    const cellAt = (at: number): string | undefined =>
      sections.find(({ startLine, endLine }) => lineOf(at) >= startLine && lineOf(at) < endLine)
        ?.id;

    const checker = program.getTypeChecker();
    const withoutResult = new Set<string>();
    for (const call of resultCalls(script, cellVariable)) {
      const { flags } = checker.getTypeAtLocation(call.arguments[0]);
      const id = cellAt(call.getStart(script));
      if ((flags & nothing) !== 0 && id !== undefined) withoutResult.add(id);
    }
    const all = [
      ...program.getSyntacticDiagnostics(script),
      ...program.getSemanticDiagnostics(script),
    ].filter(({ code }) => !esModuleInCommonJs.has(code));
    const problems = all.slice(0, mostProblems).map(({ start = 0, messageText }) => {
      const id = cellAt(start);
      const cell = id === undefined ? '' : ` (cell [${id}])`;
      const message = ts.flattenDiagnosticMessageText(messageText, ' ');
      return { text: `${path.basename(file)}:${lineOf(start) + 1}${cell}: ${message}`, cell: id };
    });
    if (all.length > mostProblems) {
      const text = `and ${all.length - mostProblems} more type errors`;
      problems.push({ text, cell: undefined });
    }
    return { withoutResult, problems };
  }
}

/** Parsed files by options and name. Most of the time of a first check goes into TypeScript's own and Flowbook's. */
const parsedFiles = new Map<string, Map<string, { version: string; file: ts.SourceFile }>>();

/** Parses a file unless the one that was parsed before, under the same options, is still there unchanged. */
function parsedUnder(options: ts.CompilerOptions) {
  const key = JSON.stringify(options);
  const files = parsedFiles.get(key) ?? new Map<string, { version: string; file: ts.SourceFile }>();
  parsedFiles.set(key, files);
  return (name: string, parse: () => ts.SourceFile | undefined): ts.SourceFile | undefined => {
    const stat = statSync(name, { throwIfNoEntry: false });
    const version = `${stat?.mtimeMs} ${stat?.size}`;
    const before = files.get(name);
    if (before?.version === version) return before.file;
    const file = parse();
    if (file !== undefined) files.set(name, { version, file });
    return file;
  };
}

function resultCalls(script: ts.SourceFile, cellVariable: string): ts.CallExpression[] {
  const calls: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText(script) === `${cellVariable}.result`) {
      calls.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(script);
  return calls;
}

function nearestOptions(folder: string): ts.CompilerOptions {
  const file = ts.findConfigFile(folder, ts.sys.fileExists);
  if (!file) return {};
  const { config } = ts.readConfigFile(file, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, files: ['none.ts'], include: [] },
    ts.sys,
    path.dirname(file),
  );
  return options;
}
