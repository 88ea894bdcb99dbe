import { isBuiltin } from 'node:module';
import ts from 'typescript';
import { type CellSyntax, importsValues } from '../../notebook/cell-syntax';
import { type Cell, cellName, type Notebook } from '../../notebook/notebook';
import { lineOf } from '../../notebook/warnings/line-of';
import type { NotebookWarning } from '../../notebook/warnings/warning';

/** FB206: a cell sets `process.env`, and a cell below imports a module: a script's imports come before all cells. */
export function lateSettings(notebook: Notebook, cells: readonly CellSyntax[]): NotebookWarning[] {
  const loaded = new Set<string>();
  let setter: Cell | null = null;
  return cells.flatMap(({ cell, file }) => {
    const warnings: NotebookWarning[] = [];
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement)) continue;
      if (statement.importClause && !importsValues(statement.importClause)) continue;
      const module = (statement.moduleSpecifier as ts.StringLiteral).text;
      if (setter !== null && !loaded.has(module) && !isBuiltin(module)) {
        const message = `"${module}" is loaded before ${cellName(notebook, setter)} sets process.env, as a script's imports come first`;
        warnings.push({ code: 'FB206', cell, line: lineOf(statement), message });
      }
      loaded.add(module);
    }
    if (setter === null && setsEnvironment(file)) setter = cell;
    return warnings;
  });
}

function setsEnvironment(node: ts.Node): boolean {
  const isSet =
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    node.operatorToken.kind <= ts.SyntaxKind.LastAssignment &&
    /^process\.env\b/.test(node.left.getText());
  const isDeleted =
    ts.isDeleteExpression(node) && /^process\.env\b/.test(node.expression.getText());
  const isFilled =
    ts.isCallExpression(node) &&
    node.expression.getText() === 'Object.assign' &&
    node.arguments[0]?.getText() === 'process.env';
  return isSet || isDeleted || isFilled || (ts.forEachChild(node, setsEnvironment) ?? false);
}
