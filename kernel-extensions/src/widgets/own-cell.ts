/** What code finds of the cell that it belongs to; only a kernel's can be interrupted. */
export interface OwnCell {
  signal?: AbortSignal;
  interrupt?: () => void;
}

/** The cell, or the callback of one, that runs; undefined outside of a notebook and its script. */
export function ownCell(): OwnCell | undefined {
  return (globalThis as { [key: symbol]: OwnCell | undefined })[Symbol.for('flowbook.cell')];
}
