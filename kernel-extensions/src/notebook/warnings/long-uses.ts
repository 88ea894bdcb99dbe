import ts from 'typescript';
import type { CellSyntax } from '../cell-syntax';
import { lineOf } from './line-of';
import type { NotebookWarning } from './warning';

/** FB204: `using` at the top level of a cell: the kernel closes at the cell's end, the script, whose cells are one function, at its own. */
export function longUses(cells: readonly CellSyntax[]): NotebookWarning[] {
  return cells.flatMap(({ cell, file }) =>
    file.statements
      .filter(ts.isVariableStatement)
      // `await using` has this flag, too.
      .filter(({ declarationList }) => (declarationList.flags & ts.NodeFlags.Using) !== 0)
      .map((statement) => {
        const names = statement.declarationList.declarations.map(({ name }) => name.getText());
        return {
          code: 'FB204' as const,
          cell,
          line: lineOf(statement),
          message: `"${names.join('", "')}" closes when the script ends, not the cell: put it in a block, { ... }`,
        };
      }),
  );
}
