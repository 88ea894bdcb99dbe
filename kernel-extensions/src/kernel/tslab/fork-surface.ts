import type ts from 'typescript';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SignatureHelpSurface } from './signature-help';

/** Parts of the compiler that its package exports and its declarations leave out. */
interface CompilerParts extends SignatureHelpSurface {
  nullTransformationContext: ts.TransformationContext;
  getTouchingPropertyName(file: ts.SourceFile, position: number): ts.Node;
  typeToDisplayParts(
    checker: ts.TypeChecker,
    type: ts.Type,
    enclosing?: ts.Node,
  ): ts.SymbolDisplayPart[];
  getContainerNode(node: ts.Node): ts.Node | undefined;
  createTextSpanFromNode(node: ts.Node): ts.TextSpan;
  isImportMeta(node: ts.Node): boolean;
  sortAndDeduplicateDiagnostics(diagnostics: readonly ts.Diagnostic[]): readonly ts.Diagnostic[];
  Completions: { getCompletionsAtPosition(...args: unknown[]): ts.CompletionInfo | undefined };
  SymbolDisplay: {
    getSymbolModifiers(checker: ts.TypeChecker, symbol: ts.Symbol): string;
    getSymbolDisplayPartsDocumentationAndSymbolKind(
      checker: ts.TypeChecker,
      symbol: ts.Symbol,
      file: ts.SourceFile,
      enclosing: ts.Node | undefined,
      location: ts.Node,
    ): {
      displayParts: ts.SymbolDisplayPart[];
      documentation: ts.SymbolDisplayPart[];
      symbolKind: ts.ScriptElementKind;
      tags: ts.JSDocTagInfo[] | undefined;
    };
  };
}

interface CheckerParts extends ts.TypeChecker {
  isUnknownSymbol(symbol: ts.Symbol): boolean;
}

export type FullCompiler = typeof ts & CompilerParts;

/** What tslab's fork of the compiler has and the compiler itself does not export, made of the compiler's own parts. */
export function forkSurface(compiler: FullCompiler) {
  return {
    getNullTransformationContext: () => compiler.nullTransformationContext,
    getDefaultTypeRoots,
    getPreEmitDiagnosticsOfFiles: (program: ts.Program, files: readonly ts.SourceFile[]) =>
      preEmitDiagnostics(compiler, program, files),
    getQuickInfoAtPosition: (
      file: ts.SourceFile,
      checker: ts.TypeChecker,
      _cancellation: unknown,
      position: number,
    ) => quickInfo(compiler, file, checker, position),
    Completions: {
      ...compiler.Completions,
      getCompletionsAtPositionForTslab: (
        _host: unknown,
        program: ts.Program,
        ...rest: unknown[]
      ) => {
        const host = { getCompilationSettings: () => program.getCompilerOptions() };
        return compiler.Completions.getCompletionsAtPosition(host, program, ...rest);
      },
    },
  };
}

/** Folders of `@types` from a folder upwards. */
function getDefaultTypeRoots(folder: string): string[] {
  const roots: string[] = [];
  for (let place = folder; ; place = dirname(place)) {
    const root = join(place, 'node_modules', '@types');
    if (existsSync(root)) roots.push(root);
    if (place === dirname(place)) return roots;
  }
}

function preEmitDiagnostics(
  compiler: FullCompiler,
  program: ts.Program,
  files: readonly ts.SourceFile[],
): readonly ts.Diagnostic[] {
  const found = files.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
    ...program.getDeclarationDiagnostics(file),
  ]);
  return compiler.sortAndDeduplicateDiagnostics(found);
}

function quickInfo(
  compiler: FullCompiler,
  file: ts.SourceFile,
  checker: ts.TypeChecker,
  position: number,
): ts.QuickInfo | undefined {
  const touched = compiler.getTouchingPropertyName(file, position);
  if (touched === file) return undefined;
  const node = describedNode(compiler, touched);
  const symbol = checker.getSymbolAtLocation(node);
  const enclosing = compiler.getContainerNode(node);
  const textSpan = compiler.createTextSpanFromNode(node);
  const isUnknown = (checker as CheckerParts).isUnknownSymbol;
  if (symbol && !isUnknown(symbol)) {
    const { symbolKind, ...parts } =
      compiler.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
        checker,
        symbol,
        file,
        enclosing,
        node,
      );
    const kindModifiers = compiler.SymbolDisplay.getSymbolModifiers(checker, symbol);
    return { kind: symbolKind, kindModifiers, textSpan, ...parts };
  }
  if (!compiler.isExpression(node)) return undefined;
  const type = checker.getTypeAtLocation(node);
  return {
    kind: '' as ts.ScriptElementKind,
    kindModifiers: '',
    textSpan,
    displayParts: compiler.typeToDisplayParts(checker, type, enclosing),
    documentation: type.symbol?.getDocumentationComment(checker),
    tags: type.symbol?.getJsDocTags(checker),
  };
}

/** `new X()` and `import.meta` are described by other nodes than the one under the cursor. */
function describedNode(compiler: FullCompiler, node: ts.Node): ts.Node {
  const { parent } = node;
  if (compiler.isNewExpression(parent) && node.pos === parent.pos) return parent.expression;
  if (compiler.isNamedTupleMember(parent) && node.pos === parent.pos) return parent;
  if (compiler.isImportMeta(parent) && (parent as ts.MetaProperty).name === node) return parent;
  return node;
}
