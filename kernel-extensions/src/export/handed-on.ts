import ts from 'typescript';
import type { Bindings } from '../notebook/bindings';
import { type CellSyntax, refuseNode } from '../notebook/cell-syntax';
import { cellTags, type Notebook, runsInScript } from '../notebook/notebook';

/** What a cell tagged `checkpoint` hands on. */
export interface HandedOn {
  /** Variables that later cells use, as the script calls them. */
  names: string[];
  /** Whether nothing outside of the cell assigns them. */
  isConst: boolean;
}

/**
 * The variables that a cell tagged `checkpoint` hands on: a resumed script takes them from a file instead
 * of running the cell.
 *
 * @throws NotebookCodeError when the cell does more than that: it assigns another cell's variable, or declares a function, class or type that others use.
 */
export function handedOn(
  syntax: CellSyntax,
  { notebook, bindings }: { notebook: Notebook; bindings: Bindings },
): HandedOn {
  const { cell } = syntax;
  const refuse = (node: ts.Node, rule: string): never => {
    throw refuseNode(notebook, syntax, node, 'export', rule);
  };
  if (cellTags(cell).includes('parameters')) {
    refuse(
      syntax.file.statements[0] ?? syntax.file,
      'a cell is tagged parameters or checkpoint, not both',
    );
  }
  for (const other of bindings.all.filter((one) => one.cell !== cell)) {
    const written = other.references.find((one) => one.cell === cell && one.writes);
    if (written)
      refuse(written.node, "a cell tagged checkpoint must not assign other cells' variables");
  }
  const used = bindings.all.filter(
    (one) =>
      one.cell === cell &&
      one.references.some((use) => use.cell !== cell && runsInScript(use.cell)) &&
      !one.declarations.some((node) => ts.findAncestor(node, ts.isImportDeclaration)),
  );
  for (const { declarations } of used) {
    const other = declarations.find(
      (one) => !ts.isVariableDeclaration(one) && !ts.isBindingElement(one),
    );
    if (other)
      refuse(other, 'a cell tagged checkpoint hands on values only: declare it in another cell');
  }
  const isConst = used.every(({ references }) =>
    references.every(({ writes, cell: where }) => !writes || where === cell),
  );
  return { names: used.map(({ scriptName }) => scriptName), isConst };
}
