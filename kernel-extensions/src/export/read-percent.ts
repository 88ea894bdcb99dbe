import { NotebookCodeError } from '../notebook/cell-syntax';
import type { Cell } from '../notebook/notebook';
import { uncomment } from './read-script';

/**
 * Reads jupytext's `ts:percent`: `// %%`, `// %% [markdown]`, `// %% tags=["parameters"]`; an `id="..."` or a
 * marker `[id]` names a cell, others get `cell-1`, `cell-2`, ... by their place.
 *
 * @throws NotebookCodeError when there is no marker.
 */
export function readPercent(text: string, name: string): Cell[] {
  const body = text.replace(/^\/\/ ---\n(?:\/\/.*\n)*?\/\/ ---\n/, '');
  const markers = [...body.matchAll(/^\/\/ ?%%(?!%)(.*)$/gm)];
  if (markers.length === 0) {
    throw new NotebookCodeError(
      `Cannot import ${name} as its cells must begin with // %%: current value has no such line`,
    );
  }
  const before = body.slice(0, markers[0].index).trim();
  const sections = markers.map((match, index) => ({
    options: match[1].trim(),
    text: body.slice(match.index + match[0].length, markers[index + 1]?.index).trim(),
  }));
  if (before !== '') sections.unshift({ options: '', text: before });
  return sections.map(({ options, text: section }, index): Cell => {
    const bracket = /\[([\w-]+)\]/.exec(options.replace(/tags=\[.*?\]/, ''))?.[1];
    const isText = bracket === 'markdown' || bracket === 'md';
    const type = isText ? 'markdown' : bracket === 'raw' ? 'raw' : 'code';
    const named = type === 'code' ? bracket : undefined;
    const id = /\bid="([\w-]+)"/.exec(options)?.[1] ?? named ?? `cell-${index + 1}`;
    const tags = /tags=\[(.*?)\]/.exec(options)?.[1].match(/[^\s,"']+/g) ?? [];
    const metadata = tags.length > 0 ? { tags: [...tags] } : {};
    if (type !== 'code') return { id, cell_type: type, metadata, source: uncomment(section) };
    return { id, cell_type: 'code', metadata, source: section, execution_count: null, outputs: [] };
  });
}
