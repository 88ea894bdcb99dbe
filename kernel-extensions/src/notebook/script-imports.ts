import ts from 'typescript';
import type { Binding } from './bindings';
import type { CellSyntax } from './cell-syntax';

interface Names {
  /** `name` or `name as local`, sorted by first use, `type ` in front when only types use it. */
  named: Map<string, { text: string; typeOnly: boolean }>;
  defaults: Map<string, { typeOnly: boolean }>;
  namespaces: Map<string, { typeOnly: boolean }>;
  sideEffect: boolean;
}

/**
 * The import statements of a script: those of all cells, gathered by module in the order of first
 * appearance. Names that no cell uses are left out, as TypeScript leaves them out itself.
 */
export class ScriptImports {
  private readonly modules = new Map<string, Names>();

  /** @param relocate turns a relative module path of the notebook into one of the script. */
  constructor(private readonly relocate: (specifier: string) => string) {}

  /** Adds a name that the script itself needs. */
  add(module: string, name: string, local = name, typeOnly = false): void {
    const text = name === local ? name : `${name} as ${local}`;
    this.put(this.of(JSON.stringify(module)).named, text, { text, typeOnly });
  }

  /** Adds a cell's imports; `ofDeclaration` finds the binding that a declaration belongs to. */
  addCell(
    { file }: CellSyntax,
    ofDeclaration: (declaration: ts.Declaration) => Binding | undefined,
  ): void {
    for (const statement of file.statements) {
      if (ts.isImportDeclaration(statement)) this.addStatement(statement, ofDeclaration);
    }
  }

  /** The statements, one a line. */
  statements(): string[] {
    return [...this.modules].flatMap(([module, names]) => lines(module, names));
  }

  private addStatement(
    statement: ts.ImportDeclaration,
    ofDeclaration: (declaration: ts.Declaration) => Binding | undefined,
  ): void {
    const specifier = (statement.moduleSpecifier as ts.StringLiteral).text;
    const attributes = statement.attributes ? ` ${statement.attributes.getText()}` : '';
    const names = this.of(JSON.stringify(this.relocate(specifier)) + attributes);
    const { importClause } = statement;
    if (!importClause) {
      names.sideEffect = true;
      return;
    }
    const typeOnlyClause = importClause.isTypeOnly;
    const local = (declaration: ts.Declaration): string | undefined => {
      const binding = ofDeclaration(declaration);
      const used = binding && binding.references.length > 0;
      return used ? binding.scriptName : undefined;
    };
    const defaultName = importClause.name && local(importClause);
    if (defaultName) this.put(names.defaults, defaultName, { typeOnly: typeOnlyClause });
    const { namedBindings } = importClause;
    if (!namedBindings) return;
    if (ts.isNamespaceImport(namedBindings)) {
      const name = local(namedBindings);
      if (name) this.put(names.namespaces, name, { typeOnly: typeOnlyClause });
      return;
    }
    for (const element of namedBindings.elements) {
      const name = local(element);
      if (!name) continue;
      const imported = (element.propertyName ?? element.name).getText();
      const text = imported === name ? name : `${imported} as ${name}`;
      this.put(names.named, text, { text, typeOnly: typeOnlyClause || element.isTypeOnly });
    }
  }

  /** A name imported as a type by one cell and as a value by another is a value. */
  private put<T extends { typeOnly: boolean }>(names: Map<string, T>, key: string, entry: T): void {
    const known = names.get(key);
    if (!known) names.set(key, entry);
    else known.typeOnly &&= entry.typeOnly;
  }

  private of(module: string): Names {
    let names = this.modules.get(module);
    if (!names) {
      names = { named: new Map(), defaults: new Map(), namespaces: new Map(), sideEffect: false };
      this.modules.set(module, names);
    }
    return names;
  }
}

function lines(module: string, { named, defaults, namespaces, sideEffect }: Names): string[] {
  const statements: string[] = [];
  const values = [...named.values()];
  const allTypes = values.length > 0 && values.every(({ typeOnly }) => typeOnly);
  const braces = values
    .map(({ text, typeOnly }) => (typeOnly && !allTypes ? `type ${text}` : text))
    .join(', ');
  const valueDefaults = [...defaults].filter(([, { typeOnly }]) => !typeOnly).map(([name]) => name);
  const joined = values.length > 0 && !allTypes ? valueDefaults.shift() : undefined;
  for (const name of valueDefaults) statements.push(`import ${name} from ${module};`);
  for (const [name, { typeOnly }] of defaults) {
    if (typeOnly) statements.push(`import type ${name} from ${module};`);
  }
  for (const [name, { typeOnly }] of namespaces) {
    statements.push(`import ${typeOnly ? 'type ' : ''}* as ${name} from ${module};`);
  }
  if (allTypes) statements.push(`import type { ${braces} } from ${module};`);
  else if (values.length > 0) {
    statements.push(`import ${joined ? `${joined}, ` : ''}{ ${braces} } from ${module};`);
  }
  if (sideEffect && statements.every((one) => one.startsWith('import type'))) {
    statements.push(`import ${module};`);
  }
  return statements;
}
