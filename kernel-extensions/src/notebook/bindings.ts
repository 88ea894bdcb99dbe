import ts from 'typescript';
import type { CellSyntax, NotebookSyntax } from './cell-syntax';
import { type Cell, runsInScript } from './notebook';

/** A use of a name that some cell declares at its top level. */
export interface Reference {
  node: ts.Identifier;
  cell: Cell;
  /** Whether the use stands inside a function, which may run at another time. */
  inFunction: boolean;
  /** Whether the use changes the variable. */
  writes: boolean;
}

/** A name declared at the top level of a cell, as the script will call it. */
export interface Binding {
  name: string;
  /** Differs from `name` when an earlier cell declares the same name. */
  scriptName: string;
  cell: Cell;
  declarations: ts.Declaration[];
  references: Reference[];
}

/** All bindings of a notebook, and the names that no cell declares. */
export interface Bindings {
  all: Binding[];
  /** Of each identifier that refers to a binding: which one. */
  ofNode: Map<ts.Identifier, Binding>;
  /** Uses of names that neither the cell nor an earlier one declares: globals, or names of later cells. */
  unresolved: { node: ts.Identifier; cell: Cell }[];
  /** Every identifier's text: a new name must not be one of them. */
  texts: Set<string>;
  /** A name like `base` that nothing uses yet. */
  fresh(base: string): string;
}

/**
 * Finds what every name means. A cell sees its own declarations, then the newest earlier cell's, as
 * in the kernel; a name declared again by a later cell is a new binding, renamed in the script.
 * Re-importing the same thing is the same binding.
 */
export function findBindings({ cells, checker }: NotebookSyntax): Bindings {
  const texts = new Set<string>();
  for (const { file } of cells) eachIdentifier(file, (node) => texts.add(node.text));
  const bindings: Bindings = {
    all: [],
    ofNode: new Map(),
    unresolved: [],
    texts,
    fresh(base) {
      const stem = /\d$/.test(base) ? `${base}_` : base;
      let number = 2;
      while (texts.has(`${stem}${number}`)) number += 1;
      texts.add(`${stem}${number}`);
      return `${stem}${number}`;
    },
  };
  const visible = new Map<string, Binding>();
  const imported = new Map<string, Binding>();
  const globals = new Set<string>();
  for (const syntax of cells) {
    const { cell, file } = syntax;
    const exported = runsInScript(cell);
    const own = new Map<ts.Declaration, Binding>();
    const declared = new Map<string, Binding>();
    for (const { name, declarations = [] } of topLevelSymbols(syntax, checker)) {
      const origin = importOrigin(declarations[0]);
      let binding = origin === undefined ? undefined : imported.get(origin);
      if (!binding) {
        const earlier = visible.get(name);
        const taken =
          (earlier !== undefined && (runsInScript(earlier.cell) || isImported(earlier))) ||
          // An earlier cell that means a global by this name must go on meaning it.
          globals.has(name);
        const scriptName = taken && exported ? bindings.fresh(name) : name;
        binding = { name, scriptName, cell, declarations: [], references: [] };
        bindings.all.push(binding);
        if (origin !== undefined) imported.set(origin, binding);
      }
      binding.declarations.push(...declarations);
      declared.set(name, binding);
      for (const declaration of declarations) own.set(declaration, binding);
    }
    const visit = (node: ts.Identifier): void => {
      if (isPropertyName(node)) return;
      const symbol = resolve(node, checker);
      const declaration = symbol?.declarations?.[0];
      const binding = declaration ? own.get(declaration) : visible.get(node.text);
      if (!declaration && !binding && exported) globals.add(node.text);
      if (!declaration && !binding) bindings.unresolved.push({ node, cell });
      if (!binding) return;
      bindings.ofNode.set(node, binding);
      if (symbol?.declarations?.some((one) => ts.getNameOfDeclaration(one) === node)) return;
      const inFunction = isInFunction(node);
      binding.references.push({ node, cell, inFunction, writes: isWrite(node) });
    };
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement)) eachIdentifier(statement, visit);
    }
    for (const [name, binding] of declared) visible.set(name, binding);
  }
  return bindings;
}

/** Whether a cell declares something that another one uses; its imports are everybody's. */
export function isShared(cell: Cell, { all }: Bindings): boolean {
  return all.some(
    (binding) =>
      binding.cell === cell &&
      !isImported(binding) &&
      binding.references.some((reference) => reference.cell !== cell),
  );
}

/** Whether the binding is an import. */
function isImported({ declarations }: Binding): boolean {
  return importOrigin(declarations[0]) !== undefined;
}

/** Calls `visit` with every identifier below a node, but not with those of JSDoc. */
function eachIdentifier(node: ts.Node, visit: (node: ts.Identifier) => void): void {
  if (ts.isIdentifier(node)) visit(node);
  ts.forEachChild(node, (child) => eachIdentifier(child, visit));
}

function topLevelSymbols({ file }: CellSyntax, checker: ts.TypeChecker): ts.Symbol[] {
  const all =
    ts.SymbolFlags.Value | ts.SymbolFlags.Type | ts.SymbolFlags.Namespace | ts.SymbolFlags.Alias;
  return checker
    .getSymbolsInScope(file.endOfFileToken, all)
    .filter(({ declarations }) => declarations?.[0]?.getSourceFile() === file)
    .filter(({ declarations }) => !declarations!.every((one) => ts.isSourceFile(one)));
}

function resolve(node: ts.Identifier, checker: ts.TypeChecker): ts.Symbol | undefined {
  if (ts.isShorthandPropertyAssignment(node.parent) && node.parent.name === node) {
    return checker.getShorthandAssignmentValueSymbol(node.parent);
  }
  return checker.getSymbolAtLocation(node);
}

/** What an import brings in, the same text for the same thing; undefined for other declarations. */
function importOrigin(declaration: ts.Declaration | undefined): string | undefined {
  if (!declaration) return undefined;
  const statement = ts.findAncestor(declaration, ts.isImportDeclaration);
  if (!statement) return undefined;
  const local = ts.getNameOfDeclaration(declaration)?.getText();
  let from = 'default';
  if (ts.isNamespaceImport(declaration)) from = '*';
  if (ts.isImportSpecifier(declaration)) from = (declaration.propertyName ?? declaration.name).text;
  return JSON.stringify([statement.moduleSpecifier.getText(), from, local]);
}

/** Names that are looked up in an object or a type, never in a scope. */
function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) {
    return parent.propertyName === node;
  }
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return true;
  if (ts.isMetaProperty(parent) || ts.isNamedTupleMember(parent) || ts.isEnumMember(parent)) {
    return parent.name === node;
  }
  if (ts.isImportTypeNode(parent)) return true;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isAccessor(parent)) &&
    parent.name === node
  );
}

function isInFunction(node: ts.Node): boolean {
  return (
    ts.findAncestor(node, (one) => ts.isFunctionLike(one) || ts.isClassLike(one)) !== undefined
  );
}

function isWrite(node: ts.Identifier): boolean {
  for (
    let child: ts.Node = node, parent = node.parent;
    parent;
    child = parent, parent = parent.parent
  ) {
    if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
      return (
        parent.operator === ts.SyntaxKind.PlusPlusToken ||
        parent.operator === ts.SyntaxKind.MinusMinusToken
      );
    }
    if (ts.isBinaryExpression(parent)) {
      const operator = parent.operatorToken.kind;
      const assigns =
        operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment;
      return assigns && parent.left === child;
    }
    if (ts.isForOfStatement(parent) || ts.isForInStatement(parent))
      return parent.initializer === child;
    const isPattern =
      ts.isParenthesizedExpression(parent) ||
      ts.isArrayLiteralExpression(parent) ||
      ts.isObjectLiteralExpression(parent) ||
      ts.isShorthandPropertyAssignment(parent) ||
      ts.isSpreadElement(parent) ||
      ts.isSpreadAssignment(parent) ||
      (ts.isPropertyAssignment(parent) && parent.initializer === child);
    if (!isPattern) return false;
  }
  return false;
}
