import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { chartSpec } from '../display/rendering/chart-spec';
import { renderSvg } from '../display/rendering/render-svg';
import { escapeHtml, htmlPage, htmlTable } from '../script/html';
import { pageFile } from '../script/run-page';
import { logOf, picturesOf, type RunSummary } from './run-summary';
import { namesOf, shortNumber } from './runs-table';

/** Curves with more points than this are thinned. */
const mostPoints = 300;
const mostCurves = 6;

/** Writes one page that compares runs: a table of parameters and numbers, curves over each other, pictures side by side. */
export async function writeComparePage(
  file: string,
  title: string,
  runs: readonly RunSummary[],
  parameters: readonly string[],
): Promise<void> {
  const metrics = namesOf(runs.map((run) => run.metrics));
  const link = (run: RunSummary): string => {
    const target = path.join(run.directory, pageFile);
    // A run that waits has none yet, and a training that no script runs gets none.
    if (!existsSync(target)) return escapeHtml(run.name);
    const page = path.relative(path.dirname(file), target);
    // From here, or a folder that is called "javascript:" would be a program.
    return `<a href="./${encodeURI(page)}">${escapeHtml(run.name)}</a>`;
  };
  const table = htmlTable(
    ['run', ...parameters.map(escapeHtml), 'state', 'step', ...metrics.map(escapeHtml), 'seconds'],
    runs.map((run) => [
      link(run),
      ...parameters.map((name) => escapeHtml(shortNumber(run.parameters[name]))),
      run.error
        ? `<span title="${escapeHtml(run.error)}">${escapeHtml(run.state)}</span>`
        : escapeHtml(run.state),
      run.step === null ? '' : String(run.step),
      ...metrics.map((name) => shortNumber(run.metrics[name])),
      run.seconds.toFixed(1),
    ]),
  );
  const pictures = runs.flatMap((run) => {
    const files = picturesOf(run.directory);
    if (files.length === 0) return [];
    return [`<h3>${link(run)}</h3><p>${files.map(picture).join(' ')}</p>`];
  });
  const body = [
    table,
    ...(await curvesOf(runs)),
    ...(pictures.length > 0 ? ['<h2>Pictures</h2>', ...pictures] : []),
  ];
  writeFileSync(file, htmlPage(title, body.join('\n')));
}

function picture(file: string): string {
  const type = { '.png': 'png', '.jpg': 'jpeg', '.svg': 'svg+xml' }[path.extname(file)] ?? 'png';
  const data = readFileSync(file).toString('base64');
  return `<img src="data:image/${type};base64,${data}" alt="${escapeHtml(path.basename(file))}">`;
}

/** A chart for each metric that any run logged, a line a run. */
async function curvesOf(runs: readonly RunSummary[]): Promise<string[]> {
  const logs = runs
    .map((run) => ({ run: run.name, lines: logOf(run.directory) }))
    .filter(({ lines }) => lines.length > 1);
  const logged = namesOf(logs.flatMap(({ lines }) => lines.slice(-1)));
  const fields = logged.filter((name) => runs.some(({ metrics }) => name in metrics));
  const ordered = ['reward', ...fields].filter(
    (name, at, all) => fields.includes(name) && all.indexOf(name) === at,
  );
  const charts: string[] = [];
  for (const field of ordered.slice(0, mostCurves)) {
    const points = logs.flatMap(({ run, lines }) => {
      const every = Math.ceil(lines.length / mostPoints);
      return lines
        .filter((_, index) => index % every === 0)
        .map((line) => ({
          run,
          step: line.step,
          value: (line as unknown as Record<string, number>)[field],
        }))
        .filter(({ value }) => Number.isFinite(value));
    });
    if (points.length === 0) continue;
    const frame = { title: field, description: `${field} over training steps, a line a run` };
    const spec = chartSpec(frame, {
      width: 640,
      height: 220,
      data: { values: points },
      mark: { type: 'line', strokeWidth: 2 },
      encoding: {
        x: { field: 'step', type: 'quantitative', axis: { title: 'training step' } },
        y: { field: 'value', type: 'quantitative', scale: { zero: false }, axis: { title: field } },
        color: { field: 'run', type: 'nominal', legend: { title: null } },
      },
    });
    charts.push(`<figure>${(await renderSvg(spec)).svg}</figure>`);
  }
  return charts.length > 0 ? ['<h2>Curves</h2>', ...charts] : [];
}
