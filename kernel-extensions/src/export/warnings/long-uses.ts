import type ts from 'typescript';
import { type Bindings, isShared } from '../../notebook/bindings';
import { type CellSyntax, isUsing } from '../../notebook/cell-syntax';
import { cellTags } from '../../notebook/notebook';
import { lineOf } from '../../notebook/warnings/line-of';
import type { NotebookWarning } from '../../notebook/warnings/warning';

/**
 * FB204: `using` at the top level of a cell that other cells use names of: the kernel closes at the cell's end, the script at its
 * own. Any other cell stands in a block of its own there, one tagged `checkpoint` in a function.
 */
export function longUses(cells: readonly CellSyntax[], bindings: Bindings): NotebookWarning[] {
  return cells
    .filter(({ cell }) => isShared(cell, bindings) && !cellTags(cell).includes('checkpoint'))
    .flatMap(({ cell, file }) =>
      file.statements.filter(isUsing).map((statement: ts.VariableStatement) => {
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
