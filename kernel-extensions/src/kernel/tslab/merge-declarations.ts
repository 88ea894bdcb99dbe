import type ts from 'typescript';

type TypeScript = typeof ts;
type Space = 'value' | 'type' | 'both';

/** Whether a name is one that a replaced declaration was given. */
export function isReplacedName(name: string): boolean {
  return REPLACED.test(name);
}

/** Another name, for what has the old one in a space. */
interface Renamed {
  name: string;
  space: Space;
}

/** What a replaced declaration is called as long as others refer to it. */
const REPLACED = /_replaced\d+$/;

/**
 * Declarations of all names after a cell: the cell's own, and those before it whose names it leaves alone.
 * A value may replace a value and a type a type; where one half of a class or an import is replaced,
 * the other half of a value becomes `any`. A replaced type that others refer to is kept by another name, and so is
 * a replaced variable or function that they name in a `typeof`.
 *
 * @param gone values that are replaced even where `own` does not declare them.
 */
export function mergeDeclarations(
  ts: TypeScript,
  before: string,
  own: string,
  gone: readonly string[] = [],
): string {
  const declared = { value: new Set(gone), type: new Set<string>() };
  for (const statement of parse(ts, own).statements) {
    for (const [name, space] of namesOf(ts, statement)) {
      if (space !== 'type') declared.value.add(name);
      if (space !== 'value') declared.type.add(name);
    }
  }
  const earlier = parse(ts, before);
  const kept: ts.Statement[] = [];
  const candidates: ts.Statement[] = [];
  const texts: string[] = [];
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  const parts = (node: ts.Statement, leftOut: ReadonlySet<string>): readonly ts.Statement[] => {
    if (leftOut.size === 0) return [node];
    const rest = without(ts, node, leftOut);
    return rest
      ? parse(ts, printer.printNode(ts.EmitHint.Unspecified, rest, earlier)).statements
      : [];
  };
  for (const statement of earlier.statements) {
    const names = namesOf(ts, statement);
    const replaced = new Set<string>();
    for (const [name, space] of names) {
      const value = space !== 'type' && declared.value.has(name);
      const type = space !== 'value' && declared.type.has(name);
      if (!value && !type) continue;
      replaced.add(name);
      if (space === 'both' && !value) texts.push(`declare let ${name}: any;`);
    }
    const isOld = names.length > 0 && names.every(([name]) => isReplacedName(name));
    if (isOld) candidates.push(statement);
    else if (replaced.size === 0) kept.push(statement);
    else {
      const others = new Set(names.map(([name]) => name).filter((name) => !replaced.has(name)));
      if (isTypeDeclaration(ts, statement) || isValueDeclaration(ts, statement)) {
        candidates.push(...parts(statement, others));
      }
      if (others.size > 0) kept.push(...parts(statement, replaced));
    }
  }
  const renamed = new Map<string, Renamed>();
  const inUse = referredTo(ts, kept, candidates);
  for (const [name, space] of inUse.flatMap((one) => namesOf(ts, one))) {
    if (isReplacedName(name)) continue;
    const other = renamed.get(name)?.space ?? space;
    renamed.set(name, {
      name: nextName(name, before),
      space: other === space ? space : 'both',
    });
  }
  texts.push(...[...kept, ...inUse].map((one) => withNames(ts, one, renamed)));
  return [own.replace(/^export \{.*\};?$/gm, '').trimEnd(), ...texts, ''].join('\n');
}

/** The declarations of some names' values. */
export function declarationsOf(
  ts: TypeScript,
  declarations: string,
  names: ReadonlySet<string>,
): string {
  const source = parse(ts, declarations);
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  const texts = source.statements.flatMap((statement) => {
    const declared = namesOf(ts, statement);
    const isWanted = ([name, space]: [string, Space]) => names.has(name) && space !== 'type';
    if (!declared.some(isWanted)) return [];
    const others = declared.filter((one) => !isWanted(one)).map(([name]) => name);
    if (others.length === 0) return [statement.getText(source)];
    const rest = without(ts, statement, new Set(others));
    return rest ? [printer.printNode(ts.EmitHint.Unspecified, rest, source)] : [];
  });
  return texts.join('\n');
}

function isTypeDeclaration(ts: TypeScript, node: ts.Statement): boolean {
  return (
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)
  );
}

function isValueDeclaration(ts: TypeScript, node: ts.Statement): boolean {
  return ts.isVariableStatement(node) || ts.isFunctionDeclaration(node);
}

/** Those of `candidates` that statements refer to, or that one of those refers to. */
function referredTo(
  ts: TypeScript,
  statements: readonly ts.Statement[],
  candidates: readonly ts.Statement[],
): ts.Statement[] {
  const found = new Set<ts.Statement>();
  const looking = [...statements];
  for (const statement of looking) {
    const uses = identifiersOf(ts, statement);
    const isUsed = ([name, space]: [string, Space]) =>
      uses.some((use) => use.text === name && meet(spaceOf(ts, use), space));
    for (const candidate of candidates) {
      if (found.has(candidate) || !namesOf(ts, candidate).some(isUsed)) continue;
      found.add(candidate);
      looking.push(candidate);
    }
  }
  return [...found];
}

/** Identifiers that are no names of members. */
function identifiersOf(
  ts: TypeScript,
  node: ts.Node,
  found: ts.Identifier[] = [],
): ts.Identifier[] {
  const isMember = ({ parent }: ts.Identifier) =>
    ((ts.isTypeElement(parent) || ts.isClassElement(parent) || ts.isEnumMember(parent)) &&
      parent.name === node) ||
    (ts.isQualifiedName(parent) && parent.right === node) ||
    ts.isImportSpecifier(parent);
  if (!ts.isIdentifier(node))
    ts.forEachChild(node, (child) => void identifiersOf(ts, child, found));
  else if (!isMember(node) && !ts.isParameter(node.parent)) found.push(node);
  return found;
}

/** What an identifier in a declaration names. */
function spaceOf(ts: TypeScript, identifier: ts.Identifier): Space {
  let node: ts.Node = identifier;
  while (ts.isQualifiedName(node.parent) || ts.isPropertyAccessExpression(node.parent)) {
    node = node.parent;
  }
  const { parent } = node;
  if (ts.isClassDeclaration(parent) || ts.isExpressionWithTypeArguments(parent)) return 'both';
  const isValue =
    ts.isTypeQueryNode(parent) ||
    ts.isComputedPropertyName(parent) ||
    ((ts.isVariableDeclaration(parent) || ts.isFunctionDeclaration(parent)) &&
      parent.name === node);
  return isValue ? 'value' : 'type';
}

function meet(one: Space, other: Space): boolean {
  return one === 'both' || other === 'both' || one === other;
}

function nextName(name: string, text: string): string {
  for (let n = 1; ; n++) {
    if (!text.includes(`${name}_replaced${n}`)) return `${name}_replaced${n}`;
  }
}

function withNames(
  ts: TypeScript,
  node: ts.Statement,
  names: ReadonlyMap<string, Renamed>,
): string {
  const start = node.getStart();
  let text = node.getText();
  if (names.size === 0) return text;
  for (const identifier of identifiersOf(ts, node).reverse()) {
    const renamed = names.get(identifier.text);
    if (!renamed || !meet(spaceOf(ts, identifier), renamed.space)) continue;
    const [from, to] = [identifier.getStart() - start, identifier.end - start];
    text = text.slice(0, from) + renamed.name + text.slice(to);
  }
  return text;
}

/** All names that declarations declare. */
export function declaredNames(ts: TypeScript, declarations: string): Set<string> {
  const { statements } = parse(ts, declarations);
  return new Set(statements.flatMap((one) => namesOf(ts, one).map(([name]) => name)));
}

function parse(ts: TypeScript, text: string): ts.SourceFile {
  return ts.createSourceFile('cells.d.ts', text, ts.ScriptTarget.Latest, true);
}

function namesOf(ts: TypeScript, statement: ts.Statement): [string, Space][] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((one) => [one.name.getText(), 'value']);
  }
  if (ts.isFunctionDeclaration(statement)) return named(statement.name, 'value');
  if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
    return named(statement.name, 'type');
  }
  if (ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement)) {
    return named(statement.name, 'both');
  }
  if (ts.isModuleDeclaration(statement)) {
    return ts.isIdentifier(statement.name) && statement.name.text !== 'global'
      ? named(statement.name, 'both')
      : [];
  }
  if (ts.isImportEqualsDeclaration(statement)) return named(statement.name, 'both');
  if (!ts.isImportDeclaration(statement)) return [];
  const clause = statement.importClause;
  const space = clause?.isTypeOnly ? 'type' : 'both';
  const bindings = clause?.namedBindings;
  if (!bindings) return named(clause?.name, space);
  if (ts.isNamespaceImport(bindings)) {
    return [...named(clause.name, space), ...named(bindings.name, space)];
  }
  return [
    ...named(clause.name, space),
    ...bindings.elements.map((one): [string, Space] => [
      one.name.text,
      one.isTypeOnly ? 'type' : space,
    ]),
  ];
}

function named(name: ts.Identifier | undefined, space: Space): [string, Space][] {
  return name ? [[name.text, space]] : [];
}

/** A statement that declares several names, without some of them. */
function without(
  ts: TypeScript,
  statement: ts.Statement,
  names: ReadonlySet<string>,
): ts.Statement | null {
  const { factory } = ts;
  if (ts.isVariableStatement(statement)) {
    const { declarations, flags } = statement.declarationList;
    const list = factory.createVariableDeclarationList(
      declarations.filter((one) => !names.has(one.name.getText())),
      flags,
    );
    return factory.updateVariableStatement(statement, statement.modifiers, list);
  }
  if (!ts.isImportDeclaration(statement) || !statement.importClause) return null;
  const clause = statement.importClause;
  const name = clause.name && !names.has(clause.name.text) ? clause.name : undefined;
  let bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) {
    if (names.has(bindings.name.text)) bindings = undefined;
  } else if (bindings) {
    const left = bindings.elements.filter((one) => !names.has(one.name.text));
    bindings = left.length > 0 ? factory.updateNamedImports(bindings, left) : undefined;
  }
  return factory.updateImportDeclaration(
    statement,
    statement.modifiers,
    factory.updateImportClause(clause, clause.isTypeOnly, name, bindings),
    statement.moduleSpecifier,
    statement.attributes,
  );
}
