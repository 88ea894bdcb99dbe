import { createRequire, Module } from 'node:module';
import { dirname, join } from 'node:path';
import type ts from 'typescript';
import { type FullCompiler, forkSurface } from './tslab/fork-surface';
import { signatureQuickInfo } from './tslab/signature-help';
import {
  declarationsOf,
  declaredNames,
  isReplacedName,
  mergeDeclarations,
} from './tslab/merge-declarations';
import { CellHost, type CellHostOptions } from './tslab/watch-host';

/** A complaint of the compiler about a cell or a file it imports; lines and columns count from 0. */
export interface Diagnostic {
  start: { line: number; character: number };
  messageText: string;
  code: number;
  /** Path of another file than the cell. */
  fileName?: string;
}

interface Conversion {
  output?: string;
  declOutput?: string;
  lastExpressionVar?: string;
}

interface Converter {
  convert(declarations: string, source: string): Conversion;
  complete(declarations: string, source: string, position: number): TslabCompletion;
  inspect(declarations: string, source: string, position: number): ts.QuickInfo | undefined;
  addModule(name: string, source: string, meta: unknown): unknown;
}

/** tslab's completion: candidates for the text from `start` to `end`. */
export interface TslabCompletion {
  start: number;
  end: number;
  candidates: string[];
  original?: ts.CompletionInfo;
}

/** A cell that was emitted as an ES module. */
export interface EmittedCell {
  /** An ES module with an inline source map; it ends with `export { every name it declares }`. */
  esModule: string;
  /** The constant that holds the value of the cell's last expression, where one does. */
  lastExpressionVar?: string;
  /** Lines that stand before the cell's own in what was compiled. */
  linesBefore: number;
}

/** What tslab says of a cell. */
export interface CheckedCell {
  diagnostics: Diagnostic[];
  /** Null when complaints, or tslab's own limits, left nothing to run. */
  emitted: EmittedCell | null;
  /** Declarations of all names that are visible after this cell. */
  declarations: string;
  /** The names among them that are its own. */
  declared: ReadonlySet<string>;
}

export interface TslabOptions {
  cwd: string;
  /** Compiler options on top of tslab's. */
  compilerOptions: ts.CompilerOptions;
  /** Folders of type declarations, searched after those near the notebook. */
  typeRoots: string[];
  /** Complaints with these codes do not count. */
  ignoredCodes: ReadonlySet<number>;
  /** What a module is called for the compiler. */
  mapSpecifier: CellHostOptions['mapSpecifier'];
  /** Syntax trees that need not be made. */
  preparedSource: CellHostOptions['preparedSource'];
  /** Holds off interrupts while the compiler works. */
  whileCompiling<T>(work: () => T): T;
  /** Publishes what a cell shows through `import * as tslab from 'tslab'`. */
  display(content: TslabDisplay, update: boolean): void;
}

/** A display as tslab's own functions make it. */
export interface TslabDisplay {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  transient: { display_id?: string };
}

/** What tslab writes, by accident, where TypeScript gave it no declarations. */
const NO_DECLARATIONS = 'undefined';
/** tslab puts one line before a cell. */
const LINES_BEFORE = 1;

/**
 * tslab 1.0.22's converter (TypeScript cell to JavaScript, with types across cells): the only file that
 * knows tslab. Before its modules load, its compiler, a fork of TypeScript 5.0.4, is replaced by the
 * installed TypeScript with the fork's few extra functions; compiler options, which tslab fixes, and the
 * list of complaints are changed on the way.
 */
export class TslabAdapter {
  readonly typescript: FullCompiler;
  private startedConverter: Converter | undefined;
  private readonly host: CellHost;
  /** Declarations of the names that the cells so far have left. */
  private declarations = '';
  private readonly unread: string[] = [];
  /** For each name, how many cells had been adopted when one declared it last. */
  private readonly declaredAt = new Map<string, number>();
  private adopted = 0;
  private esModule = '';
  private complaints: readonly ts.Diagnostic[] = [];
  private goOn = false;
  private readonly requireTslab: NodeJS.Require;

  constructor(private readonly options: TslabOptions) {
    const tslab = createRequire(__filename).resolve('tslab/package.json');
    this.requireTslab = createRequire(tslab);
    this.typescript = createRequire(__filename)('typescript') as FullCompiler;
    this.host = new CellHost(this.typescript, {
      cwd: options.cwd,
      mapSpecifier: options.mapSpecifier,
      preparedSource: options.preparedSource,
      providedTypes: new Map([['tslab', join(dirname(tslab), 'dist', 'public.d.ts')]]),
    });
    this.replaceCompiler();
  }

  /** Made at the first use: it reads the declarations of all libraries, and not every notebook's types are checked. */
  private get converter(): Converter {
    if (this.startedConverter) return this.startedConverter;
    const load = () => this.requireTslab('./dist/converter.js').createConverter;
    const createConverter = this.withQuickSemver(load);
    return (this.startedConverter = createConverter({ isJS: false, isBrowser: false }));
  }

  /** tslab loads the fifty files of semver to ask for the first number of Node's version. */
  private withQuickSemver<T>(work: () => T): T {
    const { cache } = this.requireTslab;
    const id = this.requireTslab.resolve('semver');
    if (cache[id]) return work();
    const module = new Module(id);
    const major = (version: string) => Number(/\d+/.exec(version)?.[0]);
    Object.assign(module, { filename: id, loaded: true, exports: { major } });
    cache[id] = module as NodeModule;
    try {
      return work();
    } finally {
      delete cache[id];
    }
  }

  /**
   * Checks and emits a cell.
   *
   * @param goOn emits it in spite of complaints
   */
  check(source: string, goOn = false): CheckedCell {
    this.catchUp();
    return this.checkNow(source, goOn);
  }

  private checkNow(source: string, goOn: boolean): CheckedCell {
    return this.options.whileCompiling(() => {
      this.goOn = goOn;
      this.complaints = [];
      this.esModule = '';
      let conversion: Conversion = {};
      this.host.refresh();
      try {
        conversion = this.converter.convert(this.declarations, source);
      } catch (error) {
        if (!goOn) throw error;
      }
      const emitted =
        conversion.output !== undefined
          ? {
              esModule: this.esModule,
              lastExpressionVar: conversion.lastExpressionVar,
              linesBefore: LINES_BEFORE,
            }
          : null;
      const diagnostics = this.complaints.map((one) => this.describe(one));
      return { diagnostics, emitted, ...this.declarationsAfter(conversion) };
    });
  }

  /**
   * Makes the names that a cell declared visible to the cells after it.
   *
   * @returns what gives names back the types that they had before, but for those that a later cell has declared: a cell
   * that failed has left them alone.
   */
  adopt({ declarations, declared }: CheckedCell): (names: readonly string[]) => void {
    const before = this.declarations;
    const place = (this.adopted += 1);
    for (const name of declared) this.declaredAt.set(name, place);
    this.declarations = declarations;
    return (names) => {
      const kept = names.filter((name) => (this.declaredAt.get(name) ?? 0) <= place);
      if (kept.length === 0) return;
      const own = declarationsOf(this.typescript, before, new Set(kept));
      this.declarations = mergeDeclarations(this.typescript, this.declarations, own, kept);
    };
  }

  /** The same for a cell that nobody has checked: it is read when somebody asks for types. */
  adoptLater(source: string): void {
    this.unread.push(source);
  }

  private catchUp(): void {
    for (const source of this.unread.splice(0)) this.adopt(this.checkNow(source, true));
  }

  /** Declares names, as `any` where nothing else is known of them. */
  declareUntyped(names: Iterable<string>): void {
    const own = [...names].map((name) => `declare let ${name}: any;\n`).join('');
    this.declarations = mergeDeclarations(this.typescript, this.declarations, own);
  }

  /** Defines a module that cells can import, as tslab's `@module` cells do. */
  addModule(name: string, source: string, jsx: boolean): void {
    this.options.whileCompiling(() => this.converter.addModule(name, source, { jsx }));
  }

  complete(source: string, position: number): TslabCompletion {
    this.catchUp();
    return this.options.whileCompiling(() => {
      this.host.refresh();
      const found = this.converter.complete(this.declarations, source, position);
      return { ...found, candidates: found.candidates.filter((name) => !isReplacedName(name)) };
    });
  }

  inspect(source: string, position: number): ts.QuickInfo | null {
    this.catchUp();
    return this.options.whileCompiling(() => {
      this.host.refresh();
      return this.converter.inspect(this.declarations, source, position) ?? null;
    });
  }

  /** The module `tslab`, its display functions connected to the kernel. */
  displayModule(): unknown {
    this.requireTslab('./dist/jupyter.js').lastWriteDisplayData = this.options.display;
    return this.requireTslab('./dist/public.js');
  }

  private describe({ file, start = 0, messageText, code }: ts.Diagnostic): Diagnostic {
    const place = file?.getLineAndCharacterOfPosition(start) ?? { line: 0, character: 0 };
    const text = this.typescript.flattenDiagnosticMessageText(messageText, '\n');
    if (!file || isCell(file)) {
      const line = Math.max(0, place.line - LINES_BEFORE);
      return { start: { ...place, line }, messageText: text, code };
    }
    return { start: place, messageText: text, code, fileName: file.fileName };
  }

  /** tslab's own merging of declarations knows no namespaces, so only the cell's part of its answer is used. */
  private declarationsAfter({
    declOutput = '',
  }: Conversion): Pick<CheckedCell, 'declarations' | 'declared'> {
    let own = declOutput.replace(/^let [\w$]+: any;$/gm, '');
    // Where TypeScript cannot write declarations for a cell (an exported class expression with private
    // members, say) tslab puts the word "undefined" in their place; `var` in a block has none, either.
    if (own.startsWith(NO_DECLARATIONS)) own = '';
    const names = /export \{([^}]*)\};?\s*(?:\/\/#.*\s*)?$/.exec(this.esModule ?? '')?.[1] ?? '';
    const known = declaredNames(this.typescript, own);
    const untyped = names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !known.has(name));
    own += untyped.map((name) => `declare let ${name}: any;\n`).join('');
    return {
      declarations: mergeDeclarations(this.typescript, this.declarations, own),
      declared: new Set([...known, ...untyped]),
    };
  }

  /** Puts the compiler where tslab's modules will find it, in place of tslab's own. */
  private replaceCompiler(): void {
    const compiler = this.typescript;
    const surface = forkSurface(compiler);
    const changed = {
      ...compiler,
      ...surface,
      createWatchCompilerHost: ((
        files: string[],
        { noImplicitUseStrict: _, ...options }: ts.CompilerOptions,
        ...rest: [ts.System]
      ) => {
        const own = this.requireTslab.resolve('./package.json').replace(/package\.json$/, '');
        const near = options.typeRoots?.filter((root) => !root.startsWith(own)) ?? [];
        const typeRoots = [...near, ...this.options.typeRoots];
        const merged = { ...options, ...this.options.compilerOptions, typeRoots };
        return this.host.adapt(compiler.createWatchCompilerHost(files, merged, ...rest));
      }) as unknown,
      getQuickInfoAtPosition: (
        ...[file, checker, cancellation, position]: [
          ts.SourceFile,
          ts.TypeChecker,
          ts.CancellationToken,
          number,
        ]
      ) =>
        surface.getQuickInfoAtPosition(file, checker, cancellation, position) ??
        signatureQuickInfo(compiler, file, checker, cancellation, position),
      createPrinter: (options: ts.PrinterOptions) => ({
        ...compiler.createPrinter(options),
        printFile: () => '', // declarations of earlier cells, which the adapter merges itself
      }),
      getPreEmitDiagnosticsOfFiles: (program: ts.Program, files: readonly ts.SourceFile[]) => {
        const checked = [...files, ...importedSources(program, files)];
        this.complaints = surface
          .getPreEmitDiagnosticsOfFiles(program, checked)
          .filter(({ code }) => !this.options.ignoredCodes.has(code));
        return this.goOn ? [] : this.complaints;
      },
      transpileModule: (text: string, options: ts.TranspileOptions) => {
        this.esModule = text; // the cell itself is the last module that tslab transpiles
        return { ...options, outputText: '' };
      },
    };
    const id = this.requireTslab.resolve('@tslab/typescript-for-tslab');
    const module = new Module(id);
    Object.assign(module, { filename: id, loaded: true, exports: changed });
    this.requireTslab.cache[id] = module as NodeModule;
  }
}

/** The part of a program that says where an import leads. */
type LinkedProgram = ts.Program & {
  getResolvedModuleFromModuleSpecifier(
    specifier: ts.StringLiteralLike,
    importer: ts.SourceFile,
  ): ts.ResolvedModuleWithFailedLookupLocations | undefined;
};

/** TypeScript files outside of packages that a cell imports, directly or not. */
function importedSources(program: ts.Program, cell: readonly ts.SourceFile[]): ts.SourceFile[] {
  const found = new Set(cell);
  for (const file of found) {
    const { imports = [] } = file as ts.SourceFile & { imports?: ts.StringLiteralLike[] };
    for (const specifier of imports) {
      const { resolvedModule } =
        (program as LinkedProgram).getResolvedModuleFromModuleSpecifier(specifier, file) ?? {};
      const source = resolvedModule && program.getSourceFile(resolvedModule.resolvedFileName);
      if (source && isOwnSource(source)) found.add(source);
    }
  }
  return [...found].slice(cell.length);
}

function isOwnSource({ fileName, isDeclarationFile }: ts.SourceFile): boolean {
  return (
    !isDeclarationFile && /\.[cm]?tsx?$/.test(fileName) && !fileName.includes('/node_modules/')
  );
}

function isCell(file: ts.SourceFile): boolean {
  return /\/__(tslab|prev)__(\.d)?\.ts$/.test(file.fileName);
}
