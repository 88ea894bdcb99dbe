import { Drawing } from '@flowbook/kernel-extensions';
import { WORKLOADS } from './settings';
import type { SweepRow } from './sweep';
import { tableOf } from './table';

/** Pictures a second over workers, a line a design and a panel a workload; both axes logarithmic. */
export function throughputPicture(rows: readonly SweepRow[]): Drawing {
  const counts = [...new Set(rows.map(({ workers }) => workers))];
  const values = rows.map(({ workload, design, workers, picturesPerSecond }) => ({
    model: WORKLOADS[workload].name,
    design,
    workers,
    picturesPerSecond,
  }));
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    description: 'Simulated pictures a second over the number of workers.',
    background: 'white',
    data: { values },
    facet: { column: { field: 'model', type: 'nominal', title: null } },
    spec: {
      width: 300,
      height: 240,
      mark: { type: 'line', point: true },
      encoding: {
        x: {
          field: 'workers',
          type: 'quantitative',
          scale: { type: 'log', base: 2 },
          axis: { title: 'workers', values: counts },
        },
        y: {
          field: 'picturesPerSecond',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { title: 'pictures a second' },
        },
        color: {
          field: 'design',
          type: 'nominal',
          legend: { title: null, orient: 'top', labelLimit: 0 },
        },
      },
    },
  };
  return new Drawing({ name: 'scaling', spec, text: tableOf(rows) });
}
