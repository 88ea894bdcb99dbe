import ts from 'typescript';
import { type Cell, cellName, type Notebook } from './notebook';

/** A notebook that cannot be exported or run as asked; the message names the cell and its line. */
export class NotebookCodeError extends Error {
  override readonly name = 'NotebookCodeError';
}

/** A cell's code as a syntax tree. */
export interface CellSyntax {
  cell: Cell;
  file: ts.SourceFile;
}

/** The syntax trees of a notebook's cells, with a checker that knows each cell's own scopes. */
export interface NotebookSyntax {
  cells: CellSyntax[];
  checker: ts.TypeChecker;
}

/**
 * Parses cells, each as a module of its own: names of other cells stay unresolved, which is how the
 * exporter tells them from local ones.
 *
 * @param verb what the caller is about to do, for errors: `export` or `run`.
 * @throws NotebookCodeError when a cell is not TypeScript; magics are refused by name.
 */
export function parseCells(notebook: Notebook, cells: Cell[], verb: string): NotebookSyntax {
  const sources = new Map(cells.map((cell, index) => [`/cell-${index}.ts`, cell]));
  const files = new Map<string, ts.SourceFile>();
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    noLib: true,
    noResolve: true,
    types: [],
  };
  const host: ts.CompilerHost = {
    getSourceFile: (name, languageVersionOrOptions) => {
      const cell = sources.get(name);
      if (!cell) return undefined;
      const file = ts.createSourceFile(name, cell.source, languageVersionOrOptions, true);
      files.set(name, file);
      return file;
    },
    getDefaultLibFileName: () => '/lib.d.ts',
    writeFile: () => undefined,
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: (name) => sources.has(name),
    readFile: (name) => sources.get(name)?.source,
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  for (const [name, cell] of sources) {
    const [problem] = program.getSyntacticDiagnostics(files.get(name));
    if (problem) refuse(notebook, cell, files.get(name)!, problem, verb);
  }
  return {
    cells: [...sources].map(([name, cell]) => ({ cell, file: files.get(name)! })),
    checker: program.getTypeChecker(),
  };
}

function refuse(
  notebook: Notebook,
  cell: Cell,
  file: ts.SourceFile,
  problem: ts.Diagnostic,
  verb: string,
): never {
  const lines = cell.source.split('\n');
  const magic = lines.findIndex((line) => /^\s*(%%?[a-z]|![a-z])/i.test(line));
  if (magic >= 0) {
    throw new NotebookCodeError(
      `Cannot ${verb} ${cellName(notebook, cell)}, line ${magic + 1}, as magics are not TypeScript: ` +
        `current value is ${lines[magic].trim()}`,
    );
  }
  const { line } = file.getLineAndCharacterOfPosition(problem.start ?? 0);
  const message = ts.flattenDiagnosticMessageText(problem.messageText, '\n');
  throw new NotebookCodeError(
    `Cannot ${verb} ${cellName(notebook, cell)}, line ${line + 1}, as it must be TypeScript: ${message}`,
  );
}

/** The error for a node of a cell that cannot be handled; `rule` completes "Cannot ... as". */
export function refuseNode(
  notebook: Notebook,
  { cell, file }: CellSyntax,
  node: ts.Node,
  verb: string,
  rule: string,
): NotebookCodeError {
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
  const text = node.getText(file).split('\n')[0];
  return new NotebookCodeError(
    `Cannot ${verb} ${cellName(notebook, cell)}, line ${line + 1}, as ${rule}: current value is ${text}`,
  );
}

/**
 * Whether all that stands there is one block which closes what it uses, `{ using file = open() }`. An exported script puts one
 * more around it, so that the block that it puts around a cell which uses resources is known from one of the cell's own.
 */
export function isClosingBlock(statements: readonly ts.Statement[]): boolean {
  const [block, ...more] = statements;
  if (more.length > 0 || !block || !ts.isBlock(block)) return false;
  return block.statements.some(isUsing) || isClosingBlock(block.statements);
}

/** `using file = open()` and `await using`. */
export function isUsing(statement: ts.Statement): statement is ts.VariableStatement {
  // `await using` has this flag, too.
  return (
    ts.isVariableStatement(statement) &&
    (statement.declarationList.flags & ts.NodeFlags.Using) !== 0
  );
}

/** Whether a clause brings more than types. */
export function importsValues({ isTypeOnly, name, namedBindings }: ts.ImportClause): boolean {
  if (isTypeOnly) return false;
  if (name || !namedBindings || ts.isNamespaceImport(namedBindings)) return true;
  return namedBindings.elements.some((element) => !element.isTypeOnly);
}
