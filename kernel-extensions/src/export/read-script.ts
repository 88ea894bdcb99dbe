import * as path from 'node:path';
import ts from 'typescript';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { scriptCellCode } from './script-cell-code';
import { flagDeclarations } from './flag-declarations';
import { door } from '../notebook/door';
import type { Cell } from '../notebook/notebook';
import { relocation } from './relocate-module';
import { withoutBackslashes } from '../script/script-sections';

/** A script taken apart: what its cells say, without what `flowbook export` added. */
export interface ReadScript {
  /** Imports and what else stands above the first cell, one statement each, paths as seen from the notebook. */
  outside: string[];
  /** In the script's order; flags are declarations again. */
  cells: Cell[];
}

const ownNames = new Set(['flag', 'runScript', 'FlagValues', 'ScriptCell']);

/** The parts that `flowbook export` gives a script. */
interface Frame {
  main: ts.FunctionDeclaration;
  flags: ts.VariableStatement | undefined;
}

/** Whether a script has the frame of `flowbook export`; else it may be one of jupytext's. */
export function isExportedScript(text: string): boolean {
  return findFrame(parse(text)) !== undefined;
}

/**
 * Takes a script of `flowbook export` apart by its `// %% [id]` markers.
 *
 * @throws NotebookCodeError when a cell's flag cannot become a declaration, or two markers have one id.
 */
export function readScript(text: string, scriptFile: string, notebookFile: string): ReadScript {
  const file = parse(text);
  const frame = findFrame(file);
  if (!frame) {
    throw new NotebookCodeError(
      `Cannot import ${scriptFile} as it must end in a call of runScript: current value is another end`,
    );
  }
  const relocate = relocation(path.dirname(scriptFile), path.dirname(notebookFile));
  const markers = findMarkers(text, file);
  const { body } = frame.main;
  const stops = [
    ...markers.map(({ start }) => start),
    frame.main.getStart(file),
    body!.end - 1,
    ...(frame.flags ? [frame.flags.getStart(file)] : []),
    ...[...text.matchAll(/^\/\/ The flags of cell \[[\w-]+\]$/gm)].map(({ index }) => index),
  ].sort((a, b) => a - b);
  const flagged = frame.flags ? cellOfFlags(text, frame.flags.getStart(file)) : undefined;
  const cells = markers.map(({ id, type, tags, start, end }): Cell => {
    const stop = stops.find((one) => one > start) ?? text.length;
    const isText = type !== 'code' && !tags.includes('export-only');
    const inMain = start > body!.pos;
    const raw = text.slice(end, stop).replace(/^\n/, '');
    const metadata = tags.length > 0 ? { tags } : {};
    if (isText)
      return { id, cell_type: type, metadata, source: withoutBackslashes(uncomment(raw)) };
    let source = scriptCellCode(raw, id, inMain, relocate);
    if (frame.flags && flagged === id) {
      source = [flagDeclarations(frame.flags), source].filter((one) => one !== '').join('\n');
    }
    return type === 'code'
      ? { id, cell_type: type, metadata, source, execution_count: null, outputs: [] }
      : { id, cell_type: type, metadata, source };
  });
  const twice = cells.find(({ id }, index) => cells.findIndex((one) => one.id === id) !== index);
  if (twice) {
    throw new NotebookCodeError(
      `Cannot import ${scriptFile} as ids of cells must differ: current value is ${twice.id}`,
    );
  }
  const first = Math.min(...stops);
  const outside = file.statements
    .filter((statement) => statement.getStart(file) < first)
    .flatMap((statement) => outsideStatement(statement, file, relocate));
  return { outside, cells };
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('script.ts', text, ts.ScriptTarget.Latest, true);
}

function findFrame(file: ts.SourceFile): Frame | undefined {
  const last = file.statements.at(-1);
  if (!last || !ts.isExpressionStatement(last) || !ts.isCallExpression(last.expression)) return;
  const [argument] = last.expression.arguments;
  if (!argument || !ts.isObjectLiteralExpression(argument)) return;
  const named = (field: string): string | undefined => {
    const property = argument.properties.find((one) => one.name?.getText() === field);
    if (!property) return undefined;
    return ts.isPropertyAssignment(property) ? property.initializer.getText() : field;
  };
  const main = file.statements.find(
    (one): one is ts.FunctionDeclaration =>
      ts.isFunctionDeclaration(one) && one.name?.text === named('main'),
  );
  if (!main?.body || !named('file')) return;
  const flags = file.statements.find(
    (one): one is ts.VariableStatement =>
      ts.isVariableStatement(one) &&
      one.declarationList.declarations[0].name.getText() === named('flags'),
  );
  return { main, flags };
}

interface Marker {
  id: string;
  type: Cell['cell_type'];
  tags: string[];
  start: number;
  /** Where the marker's line ends. */
  end: number;
}

function findMarkers(text: string, file: ts.SourceFile): Marker[] {
  const isComment = (at: number): boolean => {
    let inside = false;
    const visit = (node: ts.Node): void => {
      if (at > node.getStart(file) && at < node.end) {
        if (ts.isLiteralExpression(node) || ts.isTemplateExpression(node)) inside = true;
        else ts.forEachChild(node, visit);
      }
    };
    visit(file);
    return !inside;
  };
  return [...text.matchAll(/^[ \t]*\/\/ %% \[([\w-]+)\](.*)$/gm)]
    .filter(({ index }) => isComment(index))
    .map((match) => {
      const words = match[2].trim().split(/\s+/).filter(Boolean);
      const type = words[0] === 'markdown' || words[0] === 'raw' ? words[0] : 'code';
      const tags = type === 'code' ? words : words.slice(1);
      const start = match.index;
      return { id: match[1], type, tags, start, end: start + match[0].length };
    });
}

/** The flags belong to the cell that a comment above names, or to the last marker above. */
function cellOfFlags(text: string, at: number): string | undefined {
  const above = text.slice(0, at);
  return [...above.matchAll(/^\/\/ (?:The flags of cell|%%) \[([\w-]+)\]/gm)].at(-1)?.[1];
}

/** The text of a section of comments. */
export function uncomment(section: string): string {
  return section
    .trim()
    .split('\n')
    .map((line) => line.replace(/^[ \t]*\/\/ ?/, ''))
    .join('\n');
}

/** Statements of a script that belong to the notebook: all but what the exporter brought along. */
function outsideStatement(
  statement: ts.Statement,
  file: ts.SourceFile,
  relocate: (specifier: string, how: 'import' | 'require') => string,
): string[] {
  if (/^const require = createRequire\(/.test(statement.getText(file))) return [];
  if (!ts.isImportDeclaration(statement)) return [statement.getText(file)];
  const { importClause, moduleSpecifier } = statement;
  const module = (moduleSpecifier as ts.StringLiteral).text;
  const from = `'${relocate(module, 'require')}'`;
  if (!importClause) return [`import ${from};`];
  const whole = importClause.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type ' : '';
  const parts: string[] = [];
  if (importClause.name) parts.push(importClause.name.text);
  const { namedBindings } = importClause;
  if (namedBindings && ts.isNamespaceImport(namedBindings)) parts.push(namedBindings.getText(file));
  if (namedBindings && ts.isNamedImports(namedBindings)) {
    const names = namedBindings.elements.filter(({ propertyName, name }) => {
      const imported = (propertyName ?? name).text;
      return (
        !(module === door && ownNames.has(imported)) &&
        !(module === 'node:module' && imported === 'createRequire')
      );
    });
    if (names.length > 0) parts.push(`{ ${names.map((one) => one.getText(file)).join(', ')} }`);
  }
  return parts.length > 0 ? [`import ${whole}${parts.join(', ')} from ${from};`] : [];
}
