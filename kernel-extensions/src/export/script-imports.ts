import ts from 'typescript';
import type { Binding } from '../notebook/bindings';
import { type CellSyntax, importsValues } from '../notebook/cell-syntax';

interface Names {
  /** `name` or `name as local`, sorted by first use, `type ` in front when it is imported as a type. */
  named: Map<string, Use & { text: string }>;
  defaults: Map<string, Use>;
  namespaces: Map<string, Use>;
  /** Whether the module is to be loaded even where no value of it is used. */
  loads: boolean;
}

/** How a script uses a name. */
interface Use {
  /** Imported as a type. */
  typeOnly: boolean;
  /** Used as a value, for which alone the module is loaded. */
  isValue: boolean;
}

/**
 * The import statements of a script: those of all cells, gathered by module in the order of first
 * appearance. Names that no cell uses are left out, as TypeScript leaves them out itself; a module of the notebook's own is loaded
 * all the same, as in the kernel: it may register what it has.
 */
export class ScriptImports {
  private readonly modules = new Map<string, Names>();

  /**
   * @param relocate turns a module path of the notebook into one of the script.
   * @param isOwn whether a module path of the notebook is that of a file beside it.
   */
  constructor(
    private readonly relocate: (specifier: string) => string,
    private readonly isOwn: (specifier: string) => boolean,
  ) {}

  /** Adds a name that the script itself needs. */
  add(module: string, name: string, local = name, typeOnly = false): void {
    const text = name === local ? name : `${name} as ${local}`;
    const entry = { text, typeOnly, isValue: !typeOnly };
    this.put(this.of(JSON.stringify(module)).named, text, entry);
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
    if (!importClause || (importsValues(importClause) && this.isOwn(specifier))) names.loads = true;
    if (!importClause) return;
    const local = (
      declaration: ts.Declaration,
      isType: boolean,
    ): (Use & { name: string }) | null => {
      const binding = ofDeclaration(declaration);
      if (!binding || binding.references.length === 0) return null;
      const typeOnly = isType || importClause.isTypeOnly;
      const isValue = !typeOnly && binding.references.some(({ node }) => !isInType(node));
      return { name: binding.scriptName, typeOnly, isValue };
    };
    const own = importClause.name && local(importClause, false);
    if (own) this.put(names.defaults, own.name, own);
    const { namedBindings } = importClause;
    if (!namedBindings) return;
    if (ts.isNamespaceImport(namedBindings)) {
      const all = local(namedBindings, false);
      if (all) this.put(names.namespaces, all.name, all);
      return;
    }
    for (const element of namedBindings.elements) {
      const one = local(element, element.isTypeOnly);
      if (!one) continue;
      const imported = (element.propertyName ?? element.name).getText();
      const text = imported === one.name ? one.name : `${imported} as ${one.name}`;
      this.put(names.named, text, { ...one, text });
    }
  }

  /** A name imported as a type by one cell and as a value by another is a value. */
  private put<T extends Use>(names: Map<string, T>, key: string, entry: T): void {
    const known = names.get(key);
    if (!known) return void names.set(key, entry);
    known.typeOnly &&= entry.typeOnly;
    known.isValue ||= entry.isValue;
  }

  private of(module: string): Names {
    let names = this.modules.get(module);
    if (!names) {
      names = { named: new Map(), defaults: new Map(), namespaces: new Map(), loads: false };
      this.modules.set(module, names);
    }
    return names;
  }
}

/** Whether a name stands in a type, as `shapes` does in `shapes.Shape` and `typeof shapes`: it is gone when the script runs. */
function isInType(node: ts.Node): boolean {
  const type = ts.findAncestor(node, ts.isTypeNode);
  if (!type || !ts.isExpressionWithTypeArguments(type)) return type !== undefined;
  // `make<number>` and what a class extends are types by their syntax alone.
  const { parent } = type;
  if (!ts.isHeritageClause(parent)) return false;
  return (
    parent.token === ts.SyntaxKind.ImplementsKeyword || ts.isInterfaceDeclaration(parent.parent)
  );
}

function lines(module: string, { named, defaults, namespaces, loads }: Names): string[] {
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
  // An import of types alone is gone when the script runs.
  const isLoaded = [...values, ...defaults.values(), ...namespaces.values()].some(
    ({ isValue }) => isValue,
  );
  if (loads && !isLoaded) statements.push(`import ${module};`);
  return statements;
}
