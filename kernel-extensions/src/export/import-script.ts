import * as path from 'node:path';
import ts from 'typescript';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { exportNotebook } from './export-notebook';
import { formatScript } from './format-script';
import { isModuleFile } from './module-kind';
import { type Cell, cellTags, type Notebook } from '../notebook/notebook';
import { readPercent } from './read-percent';
import { isExportedScript, readScript } from './read-script';

/**
 * Turns a script back into a notebook. Cells of `original` that say what the script says stay as they are, outputs
 * included; others take the script's text. Without it a new notebook is made, whose first code cell has all imports.
 *
 * @param original the notebook that the script came from, if there is one.
 * @throws NotebookCodeError when the notebook would not export to what the script says; names the cell.
 */
export async function importScript(
  text: string,
  scriptFile: string,
  notebookFile: string,
  original?: Notebook,
): Promise<Notebook> {
  const files = {
    scriptFile: path.resolve(scriptFile),
    notebookFile: path.resolve(notebookFile),
  };
  if (!isExportedScript(text)) {
    const cells = readPercent(text.replace(/\r\n?/g, '\n'), scriptFile);
    if (original && !original.cells.some(({ id }) => cells.some((cell) => cell.id === id))) {
      throw new NotebookCodeError(
        `Cannot import ${scriptFile} onto ${notebookFile} as cells are told apart by their ids: ` +
          'none is in both, so that every cell of the notebook would be lost. Name a new notebook instead',
      );
    }
    return mergeCells(cells, original, cells, () => '');
  }
  const read = async (script: string) =>
    readScript(await formatScript(script, files.scriptFile), files.scriptFile, files.notebookFile);
  const exported = async (notebook: Notebook) => {
    const module = isModuleFile(files.scriptFile);
    return read((await exportNotebook(notebook, { ...files, module })).text);
  };
  const script = await read(text);
  const known = original && (await exported(original));
  const added = script.outside.flatMap((line) => newImports(line, known?.outside ?? []));
  const notebook = mergeCells(script.cells, original, known?.cells ?? [], (cell) =>
    ownImports(cell).join('\n'),
  );
  if (added.length > 0) addOutside(notebook, added);
  const again = await exported(notebook);
  const differs = script.cells.find((cell, index) => !isSame(cell, again.cells[index]));
  if (differs || again.cells.length !== script.cells.length) {
    throw new NotebookCodeError(
      `Cannot import ${scriptFile} as each cell must export to the script's text again: ` +
        `current value of cell [${(differs ?? again.cells.at(-1)!).id}] is another`,
    );
  }
  return notebook;
}

function mergeCells(
  cells: Cell[],
  original: Notebook | undefined,
  known: Cell[],
  keptAbove: (cell: Cell) => string,
): Notebook {
  if (!original) {
    const kernelspec = { display_name: 'Flowbook', language: 'typescript', name: 'flowbook' };
    return { metadata: { kernelspec, language_info: { name: 'typescript' } }, cells: [...cells] };
  }
  const before = new Map(original.cells.map((cell) => [cell.id, cell]));
  const asScript = new Map(known.map((cell) => [cell.id, cell]));
  const merged = cells.map((cell): Cell => {
    const old = before.get(cell.id);
    if (!old || old.cell_type !== cell.cell_type) return cell;
    const said = known === cells ? old : asScript.get(cell.id);
    if (said && isSame(cell, said)) return old;
    const tags = cellTags(cell);
    const metadata = { ...old.metadata };
    if (tags.length > 0) metadata.tags = tags;
    else delete metadata.tags;
    const above = keptAbove(old);
    return {
      ...old,
      ...cell,
      metadata,
      source: above ? `${above}\n\n${cell.source}` : cell.source,
    };
  });
  // Cells that no script has stay behind the cell that they stood behind.
  original.cells.forEach((cell, index) => {
    if (known === cells || asScript.has(cell.id) || cells.some(({ id }) => id === cell.id)) return;
    const previous = original.cells[index - 1]?.id;
    merged.splice(merged.findIndex(({ id }) => id === previous) + 1, 0, cell);
  });
  return { metadata: original.metadata, cells: merged };
}

function isSame(one: Cell, other: Cell | undefined): boolean {
  const tags = (cell: Cell): string => cellTags(cell).join(' ');
  return (
    other !== undefined &&
    one.id === other.id &&
    one.cell_type === other.cell_type &&
    one.source.trimEnd() === other.source.trimEnd() &&
    tags(one) === tags(other)
  );
}

/** The import statements of a cell, as written. */
function ownImports({ cell_type, source }: Cell): string[] {
  if (cell_type === 'markdown') return [];
  const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true);
  const isOutside = (one: ts.Statement): boolean =>
    ts.isImportDeclaration(one) ||
    ts.isImportEqualsDeclaration(one) ||
    /^declare\b/.test(one.getText(file));
  return file.statements.filter(isOutside).map((one) => one.getText(file));
}

/** The names that an import statement brings, each as it stands there. */
interface ImportedNames {
  /** `type ` where all are types. */
  type: string;
  /** `fs` of `import fs`, `* as fs`. */
  whole: string[];
  /** What is in its braces. */
  named: string[];
  /** Module and attributes, as written. */
  from: string;
  /** The same for a name of the same module, however it is written; as if it were no type alone with `isPlain`. */
  keyOf(name: string, isPlain?: boolean): string;
}

function importedNames(line: string): ImportedNames | null {
  const file = ts.createSourceFile('line.ts', line, ts.ScriptTarget.Latest, true);
  const [statement] = file.statements;
  if (!statement || !ts.isImportDeclaration(statement) || !statement.importClause) return null;
  const { importClause, moduleSpecifier, attributes } = statement;
  const { name, namedBindings, isTypeOnly } = importClause;
  const isNamed = namedBindings !== undefined && ts.isNamedImports(namedBindings);
  const whole = [name, isNamed ? undefined : namedBindings].filter((one) => one !== undefined);
  const type = isTypeOnly ? 'type ' : '';
  const behind = attributes ? ` ${attributes.getText(file)}` : '';
  const module = (moduleSpecifier as ts.StringLiteral).text;
  return {
    type,
    whole: whole.map((one) => one.getText(file)),
    named: isNamed ? namedBindings.elements.map((one) => one.getText(file)) : [],
    from: moduleSpecifier.getText(file) + behind,
    keyOf: (one, isPlain = false) => {
      const full = one.startsWith(type) ? one : type + one;
      return JSON.stringify([module, behind, isPlain ? full.replace(/^type /, '') : full]);
    },
  };
}

/** The keys of all names that import statements bring. */
function keysOf(lines: string[]): string[] {
  return lines.flatMap((line) => {
    const names = importedNames(line);
    if (!names) return [];
    const all = [...names.whole.map((name) => `whole ${name}`), ...names.named];
    return all.map((name) => names.keyOf(name));
  });
}

/** What an import statement brings that none of the known ones does. */
function newImports(line: string, known: string[]): string[] {
  if (known.includes(line)) return [];
  const own = importedNames(line);
  if (!own) return [line];
  const keys = keysOf(known);
  // What brings a value brings its type.
  const isNew = (name: string): boolean =>
    !keys.includes(own.keyOf(name)) && !keys.includes(own.keyOf(name, true));
  const whole = own.whole.filter((name) => isNew(`whole ${name}`));
  const named = own.named.filter(isNew);
  return statementOf(own, whole, named);
}

/** An import statement with some of its names; none where there are none. */
function statementOf({ type, from }: ImportedNames, whole: string[], named: string[]): string[] {
  if (whole.length + named.length === 0) return [];
  const parts = named.length > 0 ? [...whole, `{ ${named.join(', ')} }`] : whole;
  return [`import ${type}${parts.join(', ')} from ${from};`];
}

/** Takes out of a cell what it imports as a type alone and the added lines bring as a value. */
function withoutTypesOf(added: string[], cell: Cell): Cell {
  const keys = keysOf(added);
  let { source } = cell;
  for (const line of ownImports(cell)) {
    const names = importedNames(line);
    if (!names) continue;
    const stays = (name: string): boolean => {
      const plain = names.keyOf(name, true);
      return plain === names.keyOf(name) || !keys.includes(plain);
    };
    const whole = names.whole.filter((name) => stays(`whole ${name}`));
    const named = names.named.filter(stays);
    if (whole.length + named.length === names.whole.length + names.named.length) continue;
    const [rest] = statementOf(names, whole, named);
    const at = source.indexOf(line);
    const behind = source.slice(at + line.length);
    source = source.slice(0, at) + (rest ? rest + behind : behind.replace(/^[ \t]*\n/, ''));
  }
  return source === cell.source ? cell : { ...cell, source };
}

function addOutside({ cells }: Notebook, lines: string[]): void {
  cells.forEach((cell, index) => (cells[index] = withoutTypesOf(lines, cell)));
  const codes = cells.filter(
    (cell) => cell.cell_type === 'code' && !cellTags(cell).includes('no-export'),
  );
  const first = codes.find((cell) => !cellTags(cell).includes('parameters')) ?? codes[0];
  if (!first) {
    throw new NotebookCodeError(
      `Cannot import a script's imports as it must have a cell of code: current value is ${lines[0]}`,
    );
  }
  // The cell may import what no cell used before, which no script has.
  const own = ownImports(first);
  const added = lines.flatMap((line) => newImports(line, own));
  if (added.length === 0) return;
  const source = `${added.join('\n')}\n\n${first.source}`.trimEnd();
  cells[cells.indexOf(first)] = { ...first, source, execution_count: null, outputs: [] };
}
