import type ts from 'typescript';

type TypeScript = typeof ts;
type Space = 'value' | 'type' | 'both';

/**
 * Declarations of all names after a cell: the cell's own, and those before it whose names it leaves alone.
 * A value may replace a value and a type a type; where one half of a class or an import is replaced,
 * the other half of a value becomes `any`.
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
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  const kept: string[] = [];
  for (const statement of earlier.statements) {
    const names = namesOf(ts, statement);
    const replaced = new Set<string>();
    for (const [name, space] of names) {
      const value = space !== 'type' && declared.value.has(name);
      const type = space !== 'value' && declared.type.has(name);
      if (!value && !type) continue;
      replaced.add(name);
      if (space === 'both' && !value) kept.push(`declare let ${name}: any;`);
    }
    if (replaced.size === 0) {
      kept.push(statement.getText(earlier));
      continue;
    }
    if (replaced.size === names.length) continue;
    const rest = without(ts, statement, replaced);
    if (rest) kept.push(printer.printNode(ts.EmitHint.Unspecified, rest, earlier));
  }
  return [own.replace(/^export \{.*\};?$/gm, '').trimEnd(), ...kept, ''].join('\n');
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
