import { Drawing } from '../../../kernel-extensions/src/display/drawing';
import { chartSpec } from '../../../kernel-extensions/src/display/rendering/chart-spec';
import { colour } from '../../../kernel-extensions/src/display/rendering/theme';
import { formatTable, type JudgedRow } from '../table';
import { verdictOf, type Verdict } from '../targets';

const LABELS: Record<Verdict, string> = {
  reached: 'reaches its goal',
  short: 'falls short of it',
  open: 'not decided: a number is missing',
};
const COLOURS = { reached: colour.blue, short: colour.vermilion, open: colour.line };

/** How many times faster, or smaller, Flowbook is in each row, with what the row has to reach. */
export function ratioChart(judged: readonly JudgedRow[], name = 'performance-ratios'): Drawing {
  const values = judged.flatMap(({ row, target }) =>
    row.ratio === null
      ? []
      : [
          {
            row: row.row,
            // Bars on a logarithmic scale start where both sides are alike.
            alike: 1,
            ratio: row.ratio,
            label: row.ratio.toFixed(2),
            goal: target.ratio,
            verdict: LABELS[verdictOf(row, target)],
          },
        ],
  );
  const verdicts = (Object.keys(LABELS) as Verdict[]).filter((verdict) =>
    values.some((value) => value.verdict === LABELS[verdict]),
  );
  const y = { field: 'row', type: 'nominal', sort: null, axis: { title: null, grid: false } };
  const scale = { type: 'log', nice: false };
  const axis = {
    title: 'PyTorch / Flowbook, logarithmic: right of 1 Flowbook takes less',
    grid: true,
  };
  const spec = chartSpec(
    {
      title: 'Flowbook beside PyTorch eager',
      subtitle:
        'time, or peak memory, of PyTorch over Flowbook’s; a dark stroke is what the row has to reach',
      description: `Bar chart of ratios: ${values.map(({ row, label }) => `${row} ${label}`).join(', ')}.`,
    },
    {
      width: 460,
      height: { step: 22 },
      data: { values },
      layer: [
        {
          mark: { type: 'bar', height: 14 },
          encoding: {
            y,
            x: { field: 'alike', type: 'quantitative', scale, axis },
            x2: { field: 'ratio' },
            color: {
              field: 'verdict',
              type: 'nominal',
              scale: {
                domain: verdicts.map((verdict) => LABELS[verdict]),
                range: verdicts.map((verdict) => COLOURS[verdict]),
              },
              legend: { title: null, orient: 'bottom', direction: 'horizontal' },
            },
          },
        },
        {
          mark: { type: 'tick', color: colour.ink, thickness: 2, size: 18 },
          encoding: { y, x: { field: 'goal', type: 'quantitative' } },
        },
        {
          mark: { type: 'text', align: 'left', dx: 6 },
          encoding: {
            y,
            x: { field: 'right', type: 'quantitative' },
            text: { field: 'label' },
          },
          transform: [{ calculate: 'max(datum.ratio, datum.goal, 1)', as: 'right' }],
        },
      ],
    },
  );
  return new Drawing({ name, spec, text: formatTable(judged) });
}
