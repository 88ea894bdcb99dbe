/** A replacement of a piece of text; `start === end` inserts. */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

/** The text with all edits done. Edits inside a replaced piece are dropped; insertions at one place keep their order. */
export function applyEdits(text: string, edits: TextEdit[], from = 0, to = text.length): string {
  const ordered = edits
    .filter(({ start, end }) => start >= from && end <= to)
    .map((edit, index) => ({ ...edit, index }))
    // At one place, insertions come before the replacement of what follows.
    .sort((a, b) => a.start - b.start || sizeOrder(a, b) || a.index - b.index);
  let result = '';
  let at = from;
  for (const edit of ordered) {
    if (edit.start < at) continue;
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at, to);
}

function sizeOrder(a: TextEdit, b: TextEdit): number {
  const inserts = ({ start, end }: TextEdit): number => (start === end ? 0 : 1);
  // Of two replacements that start together, the larger one wins.
  return inserts(a) - inserts(b) || b.end - a.end;
}
