import type ts from 'typescript';

type TypeScript = typeof ts;

/** What TypeScript's binder leaves at a scope: the names declared in it. */
type Scope = ts.Node & { locals?: ReadonlyMap<string, unknown> };

/** Whether an identifier stands for a variable, rather than for a property, a label or a declaration. */
export function isReference(node: ts.Identifier): boolean {
  const { name, propertyName, label } = node.parent as ts.Node & {
    name?: ts.Node;
    propertyName?: ts.Node;
    label?: ts.Node;
  };
  return node !== name && node !== propertyName && node !== label;
}

/** Whether a name is declared in the cell itself, as seen from a place in it. */
export function isDeclaredAround(ts: TypeScript, place: ts.Node, name: string): boolean {
  const key = ts.escapeLeadingUnderscores(name) as string;
  for (let scope: Scope | undefined = place; scope; scope = scope.parent) {
    if (scope.locals?.has(key)) return true;
    const node: ts.Node = scope;
    if ((ts.isFunctionExpression(node) || ts.isClassExpression(node)) && node.name?.text === name) {
      return true;
    }
    if (name === 'arguments' && ts.isFunctionLike(scope) && !ts.isArrowFunction(scope)) return true;
  }
  return false;
}
