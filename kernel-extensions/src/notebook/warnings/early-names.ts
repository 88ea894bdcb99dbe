import ts from 'typescript';
import type { Bindings } from '../bindings';
import { cellName, type Notebook } from '../notebook';
import { lineOf } from './line-of';
import type { NotebookWarning } from './warning';

/** Names that the kernel and Node give to every cell. */
const given = new Set([
  'require',
  'module',
  'exports',
  '__filename',
  '__dirname',
  'tslab',
  'Deno',
  '$$',
]);

/** FB102: a cell uses a name that only a cell below it declares: it ran because the other had run before. */
export function earlyNames(notebook: Notebook, { all, unresolved }: Bindings): NotebookWarning[] {
  const place = new Map(notebook.cells.map((cell, index) => [cell, index]));
  const seen = new Set<string>();
  return unresolved.flatMap(({ node, cell }) => {
    const name = node.text;
    if (given.has(name) || name in globalThis || isAskedFor(node)) return [];
    const later = all.find((one) => one.name === name && place.get(one.cell)! > place.get(cell)!);
    const key = `${cell.id} ${name}`;
    if (later === undefined || seen.has(key)) return [];
    seen.add(key);
    const message = `"${name}" is used before ${cellName(notebook, later.cell)} declares it`;
    return [{ code: 'FB102' as const, cell, line: lineOf(node), message }];
  });
}

/** A type, which the type checker looks after, or `typeof name`, which asks whether it is there. */
function isAskedFor(node: ts.Identifier): boolean {
  return ts.isPartOfTypeNode(node) || ts.isTypeOfExpression(node.parent);
}
