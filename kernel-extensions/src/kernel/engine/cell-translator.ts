import { Script } from 'node:vm';
import type ts from 'typescript';
import type { CheckedCell, Diagnostic, EmittedCell, TslabAdapter } from '../tslab-adapter';
import { emitCell, parseCell, type ParsedCell } from './cell-emitter';
import { blankExports } from './cell-syntax';
import type { TypeCheck } from './notebook-settings';

export interface TranslatorOptions {
  typecheck: TypeCheck;
  compilerOptions: ts.CompilerOptions;
  completionValues: boolean;
  /** Whether `{ a: 1 }` is an object rather than a block. */
  objectCells: boolean;
  /** Names that every cell finds; the type checker learns of those that a cell uses. */
  builtins: Iterable<string>;
}

/** A cell on its way to be run. */
export type Translation =
  | { kind: 'rejected'; diagnostics: Diagnostic[] }
  /** tslab's `@module`: a file that other cells import. */
  | { kind: 'module'; name: string; ending: '.ts' | '.tsx'; text: string }
  | {
      kind: 'cell';
      emitted: EmittedCell;
      /** Complaints that do not stop it. */
      warnings: Diagnostic[];
      /**
       * Makes the names that it declares known to the checker; called when it begins to run. Returns what is called
       * where it fails, with the names that keep what they were before.
       */
      adopt(): (kept: readonly string[]) => void;
    };

const NO_CHECK = /^\s*(\/\/.*\n\s*)*\/\/\s*@ts-nocheck/;
const MODULE_CELL = /^\s*\/\*\*(?:(?!\*\/)[^])*?@module\s+([\w\-/.]+)(?:(?!\*\/)[^])*\*\//;

/**
 * Turns a cell's code into an ES module. tslab's converter checks types and emits; where types are not
 * checked, and for what it cannot emit, the kernel's own emitter does.
 */
export class CellTranslator {
  private readonly undeclared: Set<string>;

  constructor(
    private readonly tslab: TslabAdapter,
    private readonly options: TranslatorOptions,
  ) {
    this.undeclared = new Set(options.builtins);
  }

  translate(code: string): Translation {
    const { typescript } = this.tslab;
    const [header, name] = MODULE_CELL.exec(code) ?? [];
    if (name !== undefined && header !== undefined) {
      const isJsx = /@jsx\b/.test(header);
      this.tslab.addModule(name, code, isJsx);
      return { kind: 'module', name, ending: isJsx ? '.tsx' : '.ts', text: code };
    }
    const blanked = blankExports(typescript, code);
    const parsed = this.asObject(blanked) ?? parseCell(typescript, blanked);
    const source = parsed.source.text;
    const typecheck = NO_CHECK.test(code) ? 'off' : this.options.typecheck;
    if (parsed.errors.length > 0 && !(typecheck === 'off' && isJavaScript(code))) {
      return { kind: 'rejected', diagnostics: parsed.errors.map(describeSyntaxError(typescript)) };
    }
    if (typecheck === 'off') return this.unchecked(source, parsed);
    this.declareBuiltins(code);
    const checked = this.tslab.check(source, typecheck === 'warn');
    const { diagnostics } = checked;
    if (typecheck === 'error' && diagnostics.length > 0) return { kind: 'rejected', diagnostics };
    return {
      kind: 'cell',
      emitted: this.emittedOf(checked, parsed),
      warnings: diagnostics,
      adopt: () => this.tslab.adopt(checked),
    };
  }

  /** A cell's imports, each as code of its own; none where the cell cannot be parsed or has nothing else. */
  importsOf(code: string): string[] {
    const { typescript } = this.tslab;
    const { source, errors } = parseCell(typescript, code);
    const imports = source.statements.filter(typescript.isImportDeclaration);
    if (errors.length > 0 || source.statements.length === 1) return [];
    return imports.map((statement) => statement.getText(source));
  }

  /** A cell that is one object in braces, put into parentheses. */
  private asObject(code: string): ParsedCell | null {
    if (!this.options.objectCells || !/^\s*\{/.test(code) || /;\s*$/.test(code)) return null;
    const parsed = parseCell(this.tslab.typescript, `(${code}\n)`);
    return parsed.errors.length === 0 ? parsed : null;
  }

  /** A name that code has assigned without declaring it. */
  declare(name: string): void {
    this.undeclared.add(name);
  }

  /** What the converter emits, unless it has emitted nothing or cannot emit this. */
  private emittedOf({ emitted }: CheckedCell, parsed: ParsedCell): EmittedCell {
    if (emitted && !needsOwnEmitter(this.tslab.typescript, parsed.source)) return emitted;
    return emitCell(this.tslab.typescript, parsed, this.options);
  }

  private unchecked(source: string, parsed: ParsedCell): Translation {
    const emitted = emitCell(this.tslab.typescript, parsed, this.options);
    return {
      kind: 'cell',
      emitted,
      warnings: [],
      adopt: () => {
        this.tslab.adoptLater(source);
        return () => {};
      },
    };
  }

  private declareBuiltins(code: string): void {
    const used = [...this.undeclared].filter((name) => code.includes(name));
    if (used.length === 0) return;
    for (const name of used) this.undeclared.delete(name);
    this.tslab.declareUntyped(used);
  }
}

/**
 * What tslab's converter cannot emit: with `using`, TypeScript moves the cell into a block, where
 * the converter finds no last expression; `import a = require(b)` it leaves out.
 */
function needsOwnEmitter(typescript: typeof ts, source: ts.SourceFile): boolean {
  return source.statements.some(
    (statement) =>
      (typescript.isVariableStatement(statement) &&
        (statement.declarationList.flags & typescript.NodeFlags.Using) !== 0) ||
      typescript.isImportEqualsDeclaration(statement),
  );
}

/** Whether JavaScript itself, outside of strict mode, has nothing against a code that TypeScript complains about. */
function isJavaScript(code: string): boolean {
  try {
    new Script(`(async function () { ${code}\n})`);
    return true;
  } catch {
    return false;
  }
}

function describeSyntaxError(typescript: typeof ts) {
  return ({ file, start, messageText, code }: ts.DiagnosticWithLocation): Diagnostic => ({
    start: file.getLineAndCharacterOfPosition(start),
    messageText: typescript.flattenDiagnosticMessageText(messageText, '\n'),
    code,
  });
}
