import type ts from 'typescript';

type TypeScript = typeof ts;
type Space = 'value' | 'type' | 'both';

/** What a replaced type is called as long as declarations refer to it. */
const REPLACED = /_replaced\d+$/;

/**
 * Declarations of all names after a cell: the cell's own, and those before it whose names it leaves alone.
 * A value may replace a value and a type a type; where one half of a class or an import is replaced,
 * the other half of a value becomes `any`. A replaced type that others refer to is kept by another name.
 */
export function mergeDeclarations(ts: TypeScript, before: string, own: string): string {
  const declared = { value: new Set<string>(), type: new Set<string>() };
  for (const statement of parse(ts, own).statements) {
    for (const [name, space] of namesOf(ts, statement)) {
      if (space !== 'type') declared.value.add(name);
      if (space !== 'value') declared.type.add(name);
    }
  }
  const earlier = parse(ts, before);
  const kept: ts.Statement[] = [];
  const replacedTypes: ts.Statement[] = [];
  const texts: string[] = [];
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
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
    const isOld = names.length > 0 && names.every(([name]) => REPLACED.test(name));
    if (replaced.size === 0 && !isOld) kept.push(statement);
    else if (isOld || isTypeDeclaration(ts, statement)) replacedTypes.push(statement);
    else if (replaced.size < names.length) {
      const rest = without(ts, statement, replaced);
      if (rest) texts.push(printer.printNode(ts.EmitHint.Unspecified, rest, earlier));
    }
  }
  const renamed = new Map<string, string>();
  const inUse = referredTo(ts, kept, replacedTypes);
  for (const [name] of inUse.flatMap((one) => namesOf(ts, one))) {
    if (!REPLACED.test(name)) renamed.set(name, nextName(name, before));
  }
  texts.push(...[...kept, ...inUse].map((one) => withNames(ts, one, renamed)));
  return [own.replace(/^export \{.*\};?$/gm, '').trimEnd(), ...texts, ''].join('\n');
}

function isTypeDeclaration(ts: TypeScript, node: ts.Statement): boolean {
  return (
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)
  );
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
    const names = new Set(identifiersOf(ts, statement).map(({ text }) => text));
    for (const candidate of candidates) {
      if (found.has(candidate) || !namesOf(ts, candidate).some(([name]) => names.has(name)))
        continue;
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
  const isMember = (one: ts.Identifier) =>
    (ts.isTypeElement(one.parent) ||
      ts.isClassElement(one.parent) ||
      ts.isEnumMember(one.parent)) &&
    one.parent.name === one;
  if (!ts.isIdentifier(node))
    ts.forEachChild(node, (child) => void identifiersOf(ts, child, found));
  else if (!isMember(node) && !ts.isParameter(node.parent)) found.push(node);
  return found;
}

function nextName(name: string, text: string): string {
  for (let n = 1; ; n++) {
    if (!text.includes(`${name}_replaced${n}`)) return `${name}_replaced${n}`;
  }
}

function withNames(ts: TypeScript, node: ts.Statement, names: ReadonlyMap<string, string>): string {
  const start = node.getStart();
  let text = node.getText();
  if (names.size === 0) return text;
  for (const identifier of identifiersOf(ts, node).reverse()) {
    const name = names.get(identifier.text);
    if (name === undefined) continue;
    const [from, to] = [identifier.getStart() - start, identifier.end - start];
    text = text.slice(0, from) + name + text.slice(to);
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
