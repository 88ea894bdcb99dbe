import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { escapeHtml, htmlPage, parametersTable } from './html';
import { readPrintedText } from './printed-text';
import { progressFile } from './progress';
import { readResults } from './results';
import { readRecord } from './script-record';

/** The page of a run's folder. */
export const pageFile = 'index.html';

/** What a cell showed: the stem of its files. */
export interface ShownDisplay {
  cell: string | undefined;
  stem: string;
}

/** Writes `index.html`: the run's parameters and state, and by cell what was printed and shown. Pictures stay files beside it. */
export function writeRunPage(directory: string, displays: readonly ShownDisplay[]): void {
  const record = readRecord(directory);
  if (!record) return;
  const printed = readPrintedText(directory);
  const results = readResults(directory);
  const cells = new Set<string>([
    ...printed.keys(),
    ...displays.map(({ cell }) => cell ?? ''),
    ...results.map(({ cell }) => cell),
  ]);
  const files = readdirSync(directory);
  // A script that is no notebook's has no cells.
  const outsideOfCells =
    record.cell === null && printed.size > 0 ? path.basename(record.file) : 'before the cells';
  const sections = inOrder(cells, directory).map((cell) => {
    const text = printed.get(cell);
    const shown = displays.filter((one) => (one.cell ?? '') === cell);
    const values = results.filter((one) => one.cell === cell && !one.files);
    return [
      `<section><h2>${escapeHtml(cell === '' ? outsideOfCells : cell)}</h2>`,
      text ? `<pre>${escapeHtml(text)}</pre>` : '',
      ...shown.map(({ stem }) => figure(directory, files, stem)),
      ...values.map((one) => `<pre class="value">${escapeHtml(one.text ?? '')}</pre>`),
      '</section>',
    ].join('\n');
  });
  const error = record.error ? `<pre class="error">${escapeHtml(record.error)}</pre>` : '';
  const title = path.basename(directory);
  const { notebook, state, seconds, started } = record;
  const facts = `<p>${escapeHtml(`${notebook}, ${state}, ${seconds.toFixed(1)} s, begun ${started}`)}</p>`;
  const body = [facts, parametersTable(record.parameters), error, ...sections].join('\n');
  writeFileSync(path.join(directory, pageFile), htmlPage(title, body));
}

/** In the order in which the cells ran, by progress.jsonl. */
function inOrder(cells: Set<string>, directory: string): string[] {
  const ran = [
    ...readFileSync(path.join(directory, progressFile), 'utf8').matchAll(/"cell":"([^"]+)"/g),
  ];
  const order = [...new Set(['', ...ran.map(([, cell]) => cell)])];
  return order.filter((cell) => cells.has(cell));
}

/** The best of a display's forms: a picture, a drawing, a page, a text. */
function figure(directory: string, files: string[], stem: string): string {
  const has = (ending: string): boolean => files.includes(stem + ending);
  const read = (ending: string): string =>
    readFileSync(path.join(directory, stem + ending), 'utf8');
  const links = files
    .filter((file) => file.startsWith(`${stem}.`))
    .map((file) => `<a href="${encodeURI(file)}">${escapeHtml(file)}</a>`)
    .join(' ');
  const caption = `<figcaption>${links}</figcaption>`;
  const picture = ['.png', '.jpg', '.svg'].find(has);
  if (picture) {
    const alt = has('.txt') ? read('.txt').trim() : stem;
    return `<figure><img src="${encodeURI(stem + picture)}" alt="${escapeHtml(alt)}">${caption}</figure>`;
  }
  if (has('.html')) {
    return `<figure><iframe sandbox srcdoc="${escapeHtml(read('.html'))}"></iframe>${caption}</figure>`;
  }
  const text = ['.md', '.txt', '.json'].find(has);
  return `<figure>${text ? `<pre>${escapeHtml(read(text))}</pre>` : ''}${caption}</figure>`;
}
