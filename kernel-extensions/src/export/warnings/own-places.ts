import ts from 'typescript';
import type { Bindings } from '../../notebook/bindings';
import type { CellSyntax } from '../../notebook/cell-syntax';
import { lineOf } from '../../notebook/warnings/line-of';
import type { NotebookWarning } from '../../notebook/warnings/warning';

const places = new Set(['__dirname', '__filename']);

/** FB205: where a cell stands, which is the notebook's folder in the kernel and the script's in the script. */
export function ownPlaces(
  cells: readonly CellSyntax[],
  { unresolved }: Bindings,
): NotebookWarning[] {
  const globals = new Set(unresolved.map(({ node }) => node));
  return cells.flatMap(({ cell, file }) => {
    const warnings: NotebookWarning[] = [];
    const visit = (node: ts.Node): void => {
      const isGlobal = ts.isIdentifier(node) && places.has(node.text) && globals.has(node);
      if (isGlobal || isImportMeta(node)) {
        const message = `${node.getText()} is of the script's folder in the script: process.cwd() is the notebook's in both`;
        warnings.push({ code: 'FB205', cell, line: lineOf(node), message });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return warnings;
  });
}

function isImportMeta(node: ts.Node): boolean {
  return ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword;
}
