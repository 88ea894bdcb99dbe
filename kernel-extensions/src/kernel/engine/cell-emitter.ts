import type ts from 'typescript';
import type { EmittedCell } from '../tslab-adapter';
import { keepResult } from './cell-result';
import { CELL_REQUIRE } from './cell-syntax';

type TypeScript = typeof ts;

/** How a cell is read and written without a look at its types. */
export interface EmitterOptions {
  compilerOptions: ts.CompilerOptions;
  /** Whether a cell's value is what JavaScript's own eval gives: the last value of its last statement that has one. */
  completionValues: boolean;
}

/** A cell as TypeScript parses it: plain, with JSX, or as JavaScript, whichever has no errors. */
export interface ParsedCell {
  source: ts.SourceFile;
  fileName: string;
  errors: readonly ts.DiagnosticWithLocation[];
}

/** Parts of the compiler that its declarations leave out. */
interface Binder {
  bindSourceFile(source: ts.SourceFile, options: ts.CompilerOptions): void;
}
type ParsedFile = ts.SourceFile & { parseDiagnostics: ts.DiagnosticWithLocation[] };
type BoundFile = ts.SourceFile & { locals?: ReadonlyMap<string, ts.Symbol> };

/** Parses a cell. */
export function parseCell(ts: TypeScript, code: string): ParsedCell {
  const { TS, TSX, JSX } = ts.ScriptKind;
  let first: ParsedCell | undefined;
  for (const [kind, fileName] of [
    [TS, 'cell.ts'],
    [TSX, 'cell.tsx'],
    [JSX, 'cell.jsx'],
  ] as const) {
    const source = ts.createSourceFile(fileName, code, ts.ScriptTarget.ES2022, true, kind);
    const parsed = { source, fileName, errors: (source as ParsedFile).parseDiagnostics };
    if (parsed.errors.length === 0) return parsed;
    first ??= parsed;
  }
  return first as ParsedCell;
}

/** Emits a cell as an ES module by its syntax alone: no types are looked at, and nothing stops it. */
export function emitCell(
  ts: TypeScript,
  { source, fileName }: ParsedCell,
  { compilerOptions, completionValues }: EmitterOptions,
): EmittedCell {
  const names = declaredNames(ts, source, compilerOptions);
  const { outputText } = ts.transpileModule(`${source.text}\nexport { ${names.join(', ')} };`, {
    fileName,
    compilerOptions: {
      ...compilerOptions,
      module: ts.ModuleKind.ESNext,
      allowJs: true,
      sourceMap: false,
      inlineSourceMap: true,
      newLine: ts.NewLineKind.LineFeed,
    },
    transformers: { before: [keepResult(ts, completionValues), requireAssignments(ts)] },
  });
  return { esModule: outputText, linesBefore: 0 };
}

/** Names of a cell that exist when it runs; of imports it is not known whether they are types. */
function declaredNames(
  ts: TypeScript,
  source: ts.SourceFile,
  options: ts.CompilerOptions,
): string[] {
  (ts as unknown as Binder).bindSourceFile(source, options);
  const { Value, Alias } = ts.SymbolFlags;
  return [...((source as BoundFile).locals ?? [])]
    .filter(([, { flags, declarations }]) => flags & (Value | Alias) && declarations?.some(exists))
    .map(([name]) => ts.unescapeLeadingUnderscores(name as ts.__String));

  function exists(declaration: ts.Declaration): boolean {
    if (ts.isImportSpecifier(declaration)) {
      return !declaration.isTypeOnly && !declaration.parent.parent.isTypeOnly;
    }
    if (ts.isImportClause(declaration) || ts.isImportEqualsDeclaration(declaration)) {
      return !declaration.isTypeOnly;
    }
    if (ts.isNamespaceImport(declaration)) return !declaration.parent.isTypeOnly;
    if (ts.isFunctionDeclaration(declaration) && !declaration.body) return false;
    if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) {
      return false;
    }
    return (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient) === 0;
  }
}

/** `import a = require('b')` is a constant in a cell. */
function requireAssignments(ts: TypeScript): ts.TransformerFactory<ts.SourceFile> {
  return ({ factory }) =>
    (file) =>
      factory.updateSourceFile(
        file,
        file.statements.map((node) => {
          if (!ts.isImportEqualsDeclaration(node) || node.isTypeOnly) return node;
          if (!ts.isExternalModuleReference(node.moduleReference)) return node;
          const call = factory.createCallExpression(
            factory.createIdentifier(CELL_REQUIRE),
            undefined,
            [node.moduleReference.expression],
          );
          const one = factory.createVariableDeclaration(node.name, undefined, undefined, call);
          const list = factory.createVariableDeclarationList([one], ts.NodeFlags.Const);
          return factory.createVariableStatement(undefined, list);
        }),
      );
}
