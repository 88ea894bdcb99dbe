import type { Cell, Notebook } from '../notebook';

/**
 * Whether somebody has said that a warning is known: the metadata of the notebook or of the cell, `{"flowbook": {"ignore":
 * ["FB103"]}}`, or a comment of the cell, `// flowbook-ignore FB103, FB104`.
 */
export function isSilenced(notebook: Notebook, cell: Cell | undefined, code: string): boolean {
  if (ignored(notebook.metadata).includes(code)) return true;
  if (cell === undefined) return false;
  return ignored(cell.metadata).includes(code) || commented(cell.source).includes(code);
}

function ignored({ flowbook }: Record<string, unknown>): unknown[] {
  const { ignore } = (flowbook ?? {}) as { ignore?: unknown };
  return Array.isArray(ignore) ? ignore : [];
}

function commented(source: string): string[] {
  return [...source.matchAll(/\/\/[ \t]*flowbook-ignore((?:[ \t,]+FB\d{3})+)/g)].flatMap(
    ([, codes]) => codes.match(/FB\d{3}/g) ?? [],
  );
}
