import ts from 'typescript';
import type { Binding } from '../bindings';

/** Where a name comes from, by an import or by `require`. */
export interface ImportedName {
  module: string;
  /** As the module exports it; `*` for all of it, `default`. */
  name: string;
}

/** What a name was imported as; null for one that a cell makes itself. */
export function importOf({ declarations }: Binding): ImportedName | null {
  const [declaration] = declarations;
  if (declaration === undefined) return null;
  const statement = ts.findAncestor(declaration, ts.isImportDeclaration);
  if (statement) {
    const module = (statement.moduleSpecifier as ts.StringLiteral).text;
    if (ts.isNamespaceImport(declaration)) return { module, name: '*' };
    if (!ts.isImportSpecifier(declaration)) return { module, name: 'default' };
    return { module, name: (declaration.propertyName ?? declaration.name).text };
  }
  const variable = ts.findAncestor(declaration, ts.isVariableDeclaration);
  const module = variable?.initializer && requiredBy(variable.initializer);
  if (!module) return null;
  if (!ts.isBindingElement(declaration)) return { module, name: '*' };
  return { module, name: (declaration.propertyName ?? declaration.name).getText() };
}

/** The module of `require('...')`. */
function requiredBy(node: ts.Expression): string | undefined {
  if (!ts.isCallExpression(node) || node.expression.getText() !== 'require') return undefined;
  const [argument] = node.arguments;
  return argument && ts.isStringLiteral(argument) ? argument.text : undefined;
}
