import { readFileSync } from 'node:fs';
import type { Cell, Notebook, NotebookOutput, OutputData } from './notebook';
import { replaceFile } from '../run-folder/replace-file';

type Json = Record<string, unknown>;

/** A notebook that cannot be read or does not follow nbformat 4. */
export class NotebookFormatError extends Error {
  override readonly name = 'NotebookFormatError';
}

/**
 * Reads an .ipynb file of nbformat 4 (4.0 to 4.5); cells without an id get `cell-1`, `cell-2`, ...
 *
 * @throws NotebookFormatError when the file is missing or is not such a notebook; names the cell and the rule.
 * @example
 * const notebook = readNotebook('notebooks/01-flow-grpo.ipynb');
 */
export function readNotebook(file: string): Notebook {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new NotebookFormatError(`Cannot read ${file}: ${(error as Error).message}`);
  }
  return parseNotebook(text, file);
}

/**
 * `readNotebook` for text; `name` is what errors call it.
 *
 * @throws A `NotebookFormatError` that names the cell, the rule and the value.
 *
 * @example
 * const text = '{ "nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [] }';
 * parseNotebook(text).cells; // []
 */
export function parseNotebook(text: string, name = 'the notebook'): Notebook {
  const fail = (rule: string, value: unknown): never => {
    throw new NotebookFormatError(
      `Cannot read ${name} as ${rule}: current value is ${show(value)}`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new NotebookFormatError(
      `Cannot read ${name} as it must be JSON: ${(error as Error).message}`,
    );
  }
  if (!isShallow(json)) {
    throw new NotebookFormatError(
      `Cannot read ${name} as its values must nest at most ${DEEPEST} deep: some nest deeper`,
    );
  }
  if (!isObject(json)) return fail('a notebook must be an object', json);
  if (json.nbformat !== 4) fail('nbformat must be 4', json.nbformat);
  if (!Array.isArray(json.cells)) return fail('"cells" must be a list', json.cells);
  const ids = new Set<string>();
  const given = new Set(json.cells.map((cell) => (isObject(cell) ? cell.id : undefined)));
  const cells = json.cells.map((cell, index) => {
    const failCell = (rule: string, value: unknown): never =>
      fail(`cell ${index + 1}: ${rule}`, value);
    let ownId = `cell-${index + 1}`;
    while (given.has(ownId)) ownId += '_';
    const parsed = parseCell(cell, ownId, failCell);
    if (ids.has(parsed.id)) failCell('ids must differ', parsed.id);
    ids.add(parsed.id);
    return parsed;
  });
  return { metadata: isObject(json.metadata) ? json.metadata : {}, cells };
}

type Fail = (rule: string, value: unknown) => never;

function parseCell(cell: unknown, ownId: string, fail: Fail): Cell {
  if (!isObject(cell)) return fail('a cell must be an object', cell);
  const { cell_type, metadata = {}, attachments } = cell;
  const id = cell.id ?? ownId;
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    return fail('its id must be 1 to 64 letters, digits, - or _', id);
  }
  if (cell_type !== 'code' && cell_type !== 'markdown' && cell_type !== 'raw') {
    return fail('its cell_type must be code, markdown or raw', cell_type);
  }
  if (!isObject(metadata)) return fail('its metadata must be an object', metadata);
  const source = joinLines(cell.source)?.replace(/\r\n?/g, '\n');
  if (source === undefined) return fail('its source must be text or a list of lines', cell.source);
  const base: Cell = { id, cell_type, metadata, source };
  if (isObject(attachments)) base.attachments = attachments as Record<string, OutputData>;
  if (cell_type !== 'code') return base;
  const { outputs = [], execution_count = null } = cell;
  if (!Array.isArray(outputs)) return fail('its outputs must be a list', outputs);
  return {
    ...base,
    execution_count: typeof execution_count === 'number' ? execution_count : null,
    outputs: outputs.map((output) => parseOutput(output, fail)),
  };
}

function parseOutput(output: unknown, fail: Fail): NotebookOutput {
  if (!isObject(output)) return fail('an output must be an object', output);
  switch (output.output_type) {
    case 'stream':
      return {
        output_type: 'stream',
        name: output.name === 'stderr' ? 'stderr' : 'stdout',
        text: joinLines(output.text) ?? '',
      };
    case 'display_data':
      return { output_type: 'display_data', ...parseData(output) };
    case 'execute_result':
      return {
        output_type: 'execute_result',
        ...parseData(output),
        execution_count: typeof output.execution_count === 'number' ? output.execution_count : null,
      };
    case 'error':
      return {
        output_type: 'error',
        ename: String(output.ename ?? ''),
        evalue: String(output.evalue ?? ''),
        traceback: Array.isArray(output.traceback) ? output.traceback.map(String) : [],
      };
    default:
      return fail(
        'an output_type must be stream, display_data, execute_result or error',
        output.output_type,
      );
  }
}

function parseData(output: Json): { data: OutputData; metadata: Json } {
  const data = isObject(output.data) ? output.data : {};
  const entries = Object.entries(data).map(([type, content]) => [
    type,
    isJsonType(type) ? content : (joinLines(content) ?? content),
  ]);
  return {
    data: Object.fromEntries(entries),
    metadata: isObject(output.metadata) ? output.metadata : {},
  };
}

/**
 * The notebook as nbformat 4.5 text, laid out as Jupyter does: sorted keys, one space, lists of lines.
 *
 * @example
 * const notebook = { metadata: {}, cells: [] };
 * JSON.parse(formatNotebook(notebook)).nbformat; // 4
 */
export function formatNotebook(notebook: Notebook): string {
  const file = {
    cells: notebook.cells.map(storedCell),
    metadata: notebook.metadata,
    nbformat: 4,
    nbformat_minor: 5,
  };
  return `${JSON.stringify(sortKeys(file), null, 1)}\n`;
}

/**
 * Writes the notebook in one step: a reader sees the old file or the new one, never a part.
 *
 * @example
 * writeNotebook('empty.ipynb', { metadata: {}, cells: [] });
 * readNotebook('empty.ipynb').cells; // []
 */
export function writeNotebook(file: string, notebook: Notebook): void {
  replaceFile(file, formatNotebook(notebook));
}

function storedCell(cell: Cell): Json {
  const { id, cell_type, metadata, source, attachments } = cell;
  const stored: Json = { id, cell_type, metadata, source: splitLines(source) };
  if (attachments) stored.attachments = attachments;
  if (cell_type !== 'code') return stored;
  return {
    ...stored,
    execution_count: cell.execution_count ?? null,
    outputs: (cell.outputs ?? []).map(storedOutput),
  };
}

function storedOutput(output: NotebookOutput): Json {
  if (output.output_type === 'stream') return { ...output, text: splitLines(output.text) };
  if (output.output_type === 'error') return { ...output };
  const data = Object.entries(output.data).map(([type, content]) => [
    type,
    // Jupyter keeps base64 in one piece and splits text.
    typeof content === 'string' && (type.startsWith('text/') || type === 'image/svg+xml')
      ? splitLines(content)
      : content,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** JSON that nests deeper can be read but not written again. */
const DEEPEST = 500;

function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return false;
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : [],
    );
  }
  return true;
}

function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function joinLines(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const isLines = Array.isArray(value) && value.every((line) => typeof line === 'string');
  return isLines ? value.join('') : undefined;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortKeys(value[key])]));
}

function isJsonType(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
