import ts from 'typescript';
import type { Binding, Bindings } from '../notebook/bindings';
import { type CellSyntax, isClosingBlock, isUsing, refuseNode } from '../notebook/cell-syntax';
import { type HandedOn, handedOn } from './handed-on';
import { matchesOutside } from '../notebook/literals';
import { cellTags, type Notebook, runsInScript } from '../notebook/notebook';
import type { Parameter } from '../notebook/parameters';
import type { Relocate } from './relocate-module';
import { keepDeclaredType } from './shared-variables';
import { applyEdits, type TextEdit } from '../notebook/text-edits';

/** A cell's code as it stands in a script. */
export interface CellCode {
  /** For the body of `main`; comments only when nothing is left. */
  body: string;
  /** Whether anything in the body runs (types and functions only declare). */
  runs: boolean;
  /** Statements that may only stand outside of functions. */
  outside: string[];
  /** Whether the last expression is handed to `result`. */
  hasResult: boolean;
  /** Whether it declares a resource by `using` at its top level, which is closed when the cell ends. */
  hasResource: boolean;
  /** Whether it is nothing but a block that closes what it uses. */
  isClosingBlock: boolean;
  /** Of a cell tagged `checkpoint`: what it hands on to later cells, as the script calls it. */
  handsOn: HandedOn | undefined;
}

/** What `cellCode` needs to know besides the cell. */
export interface CellCodeContext {
  notebook: Notebook;
  bindings: Bindings;
  /** The cell's declarations that became flags. */
  parameters: Parameter[];
  /** What the last expression's call starts with, `cell.result(`; undefined leaves it as it is. */
  resultCall: string | undefined;
  /** Turns a relative module path of the notebook into one of the script. */
  relocate: Relocate;
}

/**
 * Rewrites a cell's code for a script: imports and flags taken out, names as the script calls them,
 * relative modules relocated, the last expression handed to `result`. All else stays as it is.
 *
 * @throws NotebookCodeError for what cannot stand in a script: uses of `no-export` cells' names, namespaces, re-exports, classes without a name.
 */
export function cellCode(syntax: CellSyntax, context: CellCodeContext): CellCode {
  const { file } = syntax;
  const { text } = file;
  const edits = [
    ...renames(syntax, context),
    ...relocations(file, context.relocate),
    ...escapes(file),
  ];
  const rewrite = (node: ts.Node): string => applyEdits(text, edits, node.getStart(file), node.end);
  const own = context.bindings.all.filter(({ cell }) => cell === syntax.cell);
  const flagged = new Set<ts.Statement>(context.parameters.map(({ statement }) => statement));
  const flagNames = new Set(context.parameters.map(({ name }) => name));
  const variables = own.filter(({ name }) => !flagNames.has(name));
  const typeEdits = variables.flatMap((binding) => keepDeclaredType(binding, rewrite));
  edits.push(...typeEdits);

  const outside: string[] = [];
  const kept: ts.Statement[] = [];
  for (const statement of file.statements) {
    const place = placeOf(statement, syntax, context.notebook);
    if (place === 'outside') outside.push(rewrite(statement));
    if (place === 'body' && !flagged.has(statement)) kept.push(statement);
    else edits.push(removal(text, statement.getStart(file), statement.end));
  }
  for (const { comments } of context.parameters) {
    edits.push(...comments.map(({ pos, end }) => removal(text, pos, end)));
  }
  edits.push(...withoutExport(kept), ...keptNames(kept, own));

  const last = kept.at(-1);
  const isLast =
    last !== undefined &&
    last === file.statements.filter((one) => !ts.isEmptyStatement(one)).at(-1);
  let hasResult = false;
  if (
    isLast &&
    ts.isExpressionStatement(last) &&
    context.resultCall !== undefined &&
    !printsNothing(last)
  ) {
    const { expression } = last;
    const comma =
      ts.isBinaryExpression(expression) &&
      expression.operatorToken.kind === ts.SyntaxKind.CommaToken;
    // The opening goes before, the closing after every other edit at the same place.
    edits.unshift(insertion(expression.getStart(file), `${context.resultCall}${comma ? '(' : ''}`));
    edits.push(insertion(expression.end, comma ? '))' : ')'));
    hasResult = true;
  }
  if (last && !/[;}]$/.test(last.getText(file))) edits.push(insertion(last.end, ';'));
  return {
    body: applyEdits(text, edits).trim(),
    runs: kept.some((statement) => !declaresOnly(statement)),
    outside,
    hasResult,
    hasResource: kept.some(isUsing),
    isClosingBlock: isClosingBlock(kept),
    handsOn: cellTags(syntax.cell).includes('checkpoint') ? handedOn(syntax, context) : undefined,
  };
}

function renames({ cell, file }: CellSyntax, { bindings, notebook }: CellCodeContext): TextEdit[] {
  const edits: TextEdit[] = [];
  for (const [node, binding] of bindings.ofNode) {
    if (node.getSourceFile() !== file) continue;
    if (!runsInScript(binding.cell) && !binding.declarations.some(isImport)) {
      const rule = `its name comes from ${JSON.stringify(binding.cell.id)}, a cell tagged no-export`;
      throw refuseNode(notebook, { cell, file }, node, 'export', rule);
    }
    if (binding.scriptName === binding.name) continue;
    const { parent } = node;
    const short =
      (ts.isShorthandPropertyAssignment(parent) && parent.name === node) ||
      (ts.isBindingElement(parent) &&
        parent.name === node &&
        !parent.propertyName &&
        !parent.dotDotDotToken &&
        ts.isObjectBindingPattern(parent.parent));
    const text = short ? `${binding.name}: ${binding.scriptName}` : binding.scriptName;
    edits.push({ start: node.getStart(file), end: node.end, text });
  }
  return edits;
}

function isImport(declaration: ts.Declaration): boolean {
  return ts.findAncestor(declaration, ts.isImportDeclaration) !== undefined;
}

/** Relative paths of `import('./x')`, `require('./x')` and the type `import('./x').T`. */
export function relocations(file: ts.SourceFile, relocate: Relocate): TextEdit[] {
  const edits: TextEdit[] = [];
  const move = (node: ts.Node | undefined, how: 'import' | 'require'): void => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    const moved = relocate(node.text, how);
    if (moved !== node.text)
      edits.push({ start: node.getStart(file), end: node.end, text: JSON.stringify(moved) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const isRequire = ts.isIdentifier(expression) && expression.text === 'require';
      if (isRequire) move(node.arguments[0], 'require');
      if (expression.kind === ts.SyntaxKind.ImportKeyword) move(node.arguments[0], 'import');
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      move(node.argument.literal, 'require');
    if (ts.isExternalModuleReference(node)) move(node.expression, 'require');
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits;
}

/** A comment that looks like a cell's marker gets a backslash, so that markers stay unambiguous. */
function escapes(file: ts.SourceFile): TextEdit[] {
  return matchesOutside(file, /^[ \t]*\/\/ (?=\\*%%)/gm).map(({ index, 0: start }) =>
    insertion(index + start.length, '\\'),
  );
}

function placeOf(
  statement: ts.Statement,
  syntax: CellSyntax,
  notebook: Notebook,
): 'body' | 'outside' | 'imports' {
  if (ts.isImportDeclaration(statement)) return 'imports';
  const refuse = (rule: string): never => {
    throw refuseNode(notebook, syntax, statement, 'export', rule);
  };
  if (ts.isImportEqualsDeclaration(statement)) {
    if (ts.isExternalModuleReference(statement.moduleReference)) return 'outside';
    return refuse('an alias of a namespace cannot stand in a function');
  }
  if (ts.isExportAssignment(statement)) return refuse('a script exports nothing');
  if ((ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) && !statement.name)
    return refuse('a script exports nothing, and what it declares must have a name');
  if (ts.isExportDeclaration(statement)) {
    return statement.moduleSpecifier ? refuse('a script exports nothing') : 'imports';
  }
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword)) return 'outside';
  if (ts.isModuleDeclaration(statement)) return refuse('a namespace cannot stand in a function');
  return 'body';
}

/** Takes a piece out, with its line when nothing else is on it. */
function removal(text: string, from: number, to: number): TextEdit {
  const before = /(^|\n)[ \t]*$/.exec(text.slice(0, from));
  const after = /^[ \t]*(\n|$)/.exec(text.slice(to));
  const wholeLine = before !== null && after !== null;
  return {
    start: wholeLine ? from - before[0].length + before[1].length : from,
    end: wholeLine ? to + after[0].length : to,
    text: '',
  };
}

function withoutExport(statements: ts.Statement[]): TextEdit[] {
  return statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    return modifiers
      .filter(
        ({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword,
      )
      .map((modifier) => ({ start: modifier.getStart(), end: modifier.end + 1, text: '' }));
  });
}

/** A class or function that is renamed keeps the name that it prints: `A { x: 1 }`, `[Function: act]`. */
function keptNames(statements: ts.Statement[], own: Binding[]): TextEdit[] {
  const renamed = own.filter(({ name, scriptName }) => name !== scriptName);
  const ofNode = (node: ts.Declaration) =>
    renamed.find(({ declarations }) => declarations.includes(node));
  // Behind the declaration: tsx, which keeps names, gives it there the name that it finds.
  const naming = (statement: ts.Statement, { name, scriptName }: Binding): TextEdit => {
    const value = JSON.stringify(name);
    return insertion(
      statement.end,
      `\nObject.defineProperty(${scriptName}, 'name', { value: ${value} });`,
    );
  };
  return statements.flatMap((statement) => {
    if (ts.isClassDeclaration(statement)) {
      const binding = ofNode(statement);
      if (!binding || hasStaticName(statement)) return [];
      const name = JSON.stringify(binding.name);
      return [insertion(statement.members.pos, `\nstatic readonly name: string = ${name};\n`)];
    }
    if (ts.isFunctionDeclaration(statement)) {
      const binding = statement.body && ofNode(statement);
      return binding ? [naming(statement, binding)] : [];
    }
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap((declaration) => {
      const binding = takesItsName(declaration.initializer) ? ofNode(declaration) : undefined;
      return binding ? [naming(statement, binding)] : [];
    });
  });
}

/** Whether a value is called by the variable that it is first assigned to. */
function takesItsName(value: ts.Expression | undefined): boolean {
  if (!value) return false;
  const isSaidOfTypes =
    ts.isAssertionExpression(value) ||
    ts.isSatisfiesExpression(value) ||
    ts.isNonNullExpression(value);
  if (isSaidOfTypes || ts.isParenthesizedExpression(value)) return takesItsName(value.expression);
  if (ts.isArrowFunction(value)) return true;
  if (ts.isFunctionExpression(value)) return value.name === undefined;
  return ts.isClassExpression(value) && value.name === undefined && !hasStaticName(value);
}

function hasStaticName({ members }: ts.ClassLikeDeclaration): boolean {
  return members.some((member) => member.name?.getText() === 'name' && isStatic(member));
}

function isStatic(member: ts.ClassElement): boolean {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
}

function declaresOnly(statement: ts.Statement): boolean {
  return (
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isEmptyStatement(statement)
  );
}

/** Calls whose value is known to be nothing without types: `console.log(x)`. */
function printsNothing({ expression }: ts.ExpressionStatement): boolean {
  return ts.isCallExpression(expression) && /^console\.\w+$/.test(expression.expression.getText());
}

function insertion(at: number, text: string): TextEdit {
  return { start: at, end: at, text };
}
