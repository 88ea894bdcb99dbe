import * as path from 'node:path';
import type ts from 'typescript';
import { type Binding, type Bindings, findBindings, isShared } from '../notebook/bindings';
import { type CellCode, cellCode } from './cell-code';
import { type CellSyntax, NotebookCodeError, parseCells } from '../notebook/cell-syntax';
import { flagsComment } from '../script/exported-script';
import { door } from '../notebook/door';
import { type Cell, cellName, cellTags, type Notebook, runsInScript } from '../notebook/notebook';
import { ownFlagOf, ownFlags } from '../script/own-flags';
import { findParametersCell, type ParametersCell, readParameters } from '../notebook/parameters';
import { flagEntry } from './script-flags';
import { isOwnModule, type Relocate, relocationFrom } from './relocate-module';
import { ScriptImports } from './script-imports';
import { asComments, inOneLine, marker } from '../script/script-sections';
import { notebookWarnings } from '../notebook/warnings/find-warnings';
import { lateNames } from './warnings/late-names';
import { lateSettings } from './warnings/late-settings';
import { longUses } from './warnings/long-uses';
import { ownPlaces } from './warnings/own-places';
import { warningTexts } from '../notebook/warnings/warning';

/** Where a script comes from and goes to. */
export interface ExportOptions {
  /** The notebook's file. */
  notebookFile: string;
  /** The script's file, `.ts` or `.mts`; it is not written. */
  scriptFile: string;
  /** Whether the script is an ES module; default: whether its file is `.mts`. */
  module?: boolean;
  /** Ids of cells whose last expression is no result, as it has no value. */
  withoutResult?: ReadonlySet<string>;
}

/** What a script calls the things that it brings along. */
type OwnNames = Record<
  'cell' | 'flag' | 'flags' | 'main' | 'runScript' | 'FlagValues' | 'ScriptCell',
  string
>;

/** A script before it is formatted. */
export class ScriptDraft {
  readonly names: OwnNames;
  private readonly isModule: boolean;
  private readonly cells: readonly CellSyntax[];
  private readonly bindings: Bindings;
  private readonly imports: ScriptImports;
  private readonly codes: Map<Cell, CellCode>;
  private readonly parametersCell: Cell | undefined;
  private readonly parameters: ParametersCell = { parameters: [], others: [] };

  constructor(
    private readonly notebook: Notebook,
    private readonly options: ExportOptions,
  ) {
    const { notebookFile, scriptFile } = options;
    this.isModule = options.module ?? scriptFile.endsWith('.mts');
    const withCode = notebook.cells.filter(
      (cell) => cell.cell_type === 'code' || runsInScript(cell),
    );
    const syntax = parseCells(notebook, withCode, 'export');
    this.cells = syntax.cells;
    this.bindings = findBindings(syntax);
    const tagged = findParametersCell(notebook);
    if (tagged && runsInScript(tagged)) {
      this.parametersCell = tagged;
      const index = syntax.cells.findIndex(({ cell }) => cell === tagged);
      this.parameters = readParameters(syntax.cells[index], syntax.cells.slice(0, index));
      this.refuseFlagNames();
    }
    this.names = this.chooseNames();
    const folder = path.dirname(notebookFile);
    const relocate = relocationFrom(folder, path.dirname(scriptFile));
    this.imports = new ScriptImports(
      (specifier) => relocate(specifier, this.isModule ? 'import' : 'require'),
      (specifier) => isOwnModule(folder, specifier),
    );
    this.codes = this.rewrite(syntax.cells, relocate);
  }

  /** What the reader should know of notebook and script, as sentences with codes. */
  warnings(): string[] {
    const { notebook, parametersCell, parameters, bindings } = this;
    const noFlags = parameters.others.map((name) => ({
      code: 'FB201' as const,
      cell: parametersCell!,
      message: `"${name}" is no flag, as its type or value is none that a flag can have`,
    }));
    const ofNotebook = notebookWarnings(notebook, this.cells, bindings);
    const inScript = this.cells.filter(({ cell }) => runsInScript(cell));
    const { notebookFile, scriptFile } = this.options;
    const isMoved = path.dirname(notebookFile) !== path.dirname(scriptFile);
    const all = [
      ...ofNotebook,
      ...noFlags,
      ...lateNames(notebook, bindings),
      ...longUses(inScript, bindings),
      ...(isMoved ? ownPlaces(inScript, bindings) : []),
      ...lateSettings(notebook, inScript),
    ];
    return warningTexts(notebook, all);
  }

  text(): string {
    const { heading, body } = this.layout();
    const requireLine = this.requireLine();
    this.addOwnImports();
    const outside = [...this.codes.values()].flatMap((code) => code.outside);
    const blocks = [
      this.header(),
      this.imports.statements().join('\n'),
      requireLine,
      ...outside,
      ...heading,
      this.main(body),
      this.start(),
    ];
    return blocks.filter((block) => block !== '').join('\n\n');
  }

  private rewrite(cells: CellSyntax[], relocate: Relocate): Map<Cell, CellCode> {
    const { bindings, notebook, options } = this;
    const ofDeclaration = new Map<ts.Declaration, Binding>();
    for (const binding of bindings.all) {
      for (const declaration of binding.declarations) ofDeclaration.set(declaration, binding);
    }
    const codes = new Map<Cell, CellCode>();
    for (const syntax of cells) {
      this.imports.addCell(syntax, (declaration) => ofDeclaration.get(declaration));
      const { cell } = syntax;
      if (!runsInScript(cell)) continue;
      const code = cellCode(syntax, {
        notebook,
        bindings,
        parameters: cell === this.parametersCell ? this.parameters.parameters : [],
        resultCall: options.withoutResult?.has(cell.id) ? undefined : `${this.names.cell}.result(`,
        relocate,
      });
      codes.set(cell, code);
    }
    return codes;
  }

  /**
   * Which sections stand above `main` and which in it. Above stand the title, or all that comes
   * before the parameters where nothing of it runs; then the flags.
   */
  private layout(): { heading: string[]; body: string[] } {
    const { cells } = this.notebook;
    const isInside = (cell: Cell): boolean => (this.codes.get(cell)?.body ?? '') !== '';
    const at = this.parametersCell && this.hasFlags ? cells.indexOf(this.parametersCell) : -1;
    const title = cells[0]?.cell_type === 'markdown' ? 1 : 0;
    const above = at >= 0 && !cells.slice(0, at).some(isInside) ? at : title;
    const heading: string[] = [];
    const body: string[] = [];
    cells.forEach((cell, index) => {
      if (index === at && !this.codes.get(cell)!.runs) return;
      (index < above ? heading : body).push(this.section(cell));
    });
    return { heading: [...heading, this.flagTable()], body: body.filter((text) => text !== '') };
  }

  /** A cell as it stands in the script; empty for cells that are left out. */
  private section(cell: Cell): string {
    const code = this.codes.get(cell);
    if (code) {
      const id = JSON.stringify(cell.id);
      if (code.handsOn && code.runs) {
        const { names, isConst } = code.handsOn;
        const given =
          names.length === 0 ? '' : `${isConst ? 'const' : 'let'} { ${names.join(', ')} } = `;
        const end = names.length === 0 ? '' : `\nreturn { ${names.join(', ')} };`;
        return `${marker(cell)}\n${given}await ${this.names.cell}.checkpoint(${id}, async () => {\n${code.body}${end}\n});`;
      }
      const call = code.runs ? `await ${this.names.cell}(${id});\n` : '';
      // What it uses is closed at the block's end.
      const isBlock = code.isClosingBlock || (code.hasResource && !isShared(cell, this.bindings));
      return `${marker(cell)}\n${call}${isBlock ? `{\n${code.body}\n}` : code.body}`;
    }
    if (cell.cell_type === 'code' || cellTags(cell).includes('no-export')) return '';
    const lines = cell.source === '' ? [] : asComments(cell.source);
    return [marker(cell), ...lines].join('\n');
  }

  private flagTable(): string {
    if (!this.parametersCell || !this.hasFlags) return '';
    const { body, runs } = this.codes.get(this.parametersCell)!;
    const { flag, flags } = this.names;
    // The marker stands where the cell's code runs, so that errors are found by it.
    const heading = runs
      ? [inOneLine(`// The flags of cell [${this.parametersCell.id}]`)]
      : [marker(this.parametersCell), ...(body === '' ? [] : [body])];
    const entries = this.parameters.parameters.map(
      (parameter) => `${flagEntry(parameter, flag)},\n`,
    );
    return `${heading.join('\n')}\nconst ${flags} = {\n${entries.join('')}};`;
  }

  private main(sections: string[]): string {
    const { cell, flags, main, FlagValues, ScriptCell } = this.names;
    const values = this.usedFlags();
    const parameters = this.usesCell ? [`${cell}: ${ScriptCell}`] : [];
    if (values.length > 0) {
      parameters.push(`{ ${values.join(', ')} }: ${FlagValues}<typeof ${flags}>`);
    }
    return `async function ${main}(${parameters.join(', ')}): Promise<void> {\n${sections.join('\n\n')}\n}`;
  }

  private usedFlags(): string[] {
    const names = new Set(this.parameters.parameters.map(({ name }) => name));
    return this.bindings.all
      .filter(({ cell, name, references }) => {
        return cell === this.parametersCell && names.has(name) && references.length > 0;
      })
      .map(({ name, scriptName }) => (name === scriptName ? name : `${name}: ${scriptName}`));
  }

  private header(): string {
    const { notebookFile, scriptFile } = this.options;
    return [
      `// Exported from ${path.basename(notebookFile)} by \`flowbook export\`.`,
      `${flagsComment} ${path.basename(scriptFile)} --help`,
    ]
      .map(inOneLine)
      .join('\n');
  }

  private start(): string {
    const { notebookFile, scriptFile } = this.options;
    const { flags, main, runScript } = this.names;
    const notebook = path
      .relative(path.dirname(scriptFile), notebookFile)
      .split(path.sep)
      .join('/');
    const field = (name: string, value: string): string =>
      name === value ? name : `${name}: ${value}`;
    const fields = [
      field('file', this.isModule ? 'import.meta.url' : '__filename'),
      field('notebook', JSON.stringify(notebook)),
      ...(this.hasFlags ? [field('flags', flags)] : []),
      field('main', main),
    ];
    return `${runScript}({ ${fields.join(', ')} });`;
  }

  /** Cells are CommonJS and may call `require`; an ES module makes its own. */
  private requireLine(): string {
    const { all, texts } = this.bindings;
    if (!this.isModule || !texts.has('require') || all.some(({ name }) => name === 'require'))
      return '';
    this.imports.add('node:module', 'createRequire');
    return 'const require = createRequire(import.meta.url);';
  }

  private addOwnImports(): void {
    const { flag, runScript, FlagValues, ScriptCell } = this.names;
    if (this.hasFlags) this.imports.add(door, 'flag', flag);
    this.imports.add(door, 'runScript', runScript);
    if (this.usedFlags().length > 0) this.imports.add(door, 'FlagValues', FlagValues, true);
    if (this.usesCell) this.imports.add(door, 'ScriptCell', ScriptCell, true);
  }

  private get hasFlags(): boolean {
    return this.parameters.parameters.length > 0;
  }

  private get usesCell(): boolean {
    return [...this.codes.values()].some(({ runs }) => runs) || this.usedFlags().length > 0;
  }

  private chooseNames(): OwnNames {
    const taken = new Set(this.bindings.all.map(({ scriptName }) => scriptName));
    const free = (name: string): string => (taken.has(name) ? this.bindings.fresh(name) : name);
    return {
      cell: free('cell'),
      flag: free('flag'),
      flags: free('flags'),
      main: free('main'),
      runScript: free('runScript'),
      FlagValues: free('FlagValues'),
      ScriptCell: free('ScriptCell'),
    };
  }

  private refuseFlagNames(): void {
    for (const { name } of this.parameters.parameters) {
      const rule = refusedFlag(name);
      if (rule === null) continue;
      const cell = cellName(this.notebook, this.parametersCell!);
      throw new NotebookCodeError(`Cannot export ${cell} as ${rule}: current value is ${name}`);
    }
  }
}

/** Why a parameter's name can be no flag's; null where it can. */
function refusedFlag(name: string): string | null {
  if (ownFlagOf(name) !== null)
    return `a script has flags of its own, ${ownFlags.map((one) => `--${one}`).join(', ')}`;
  // In a table of flags that is no entry.
  return name === '__proto__' ? 'a flag must have another name than what tables inherit by' : null;
}
