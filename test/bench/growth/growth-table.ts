import { layOut } from '../table';
import {
  growthExponent,
  pointsAlong,
  quantityOf,
  worksOf,
  type Axis,
  type GrowthPoint,
  type Quantity,
} from './growth-point';

const QUANTITIES: [Quantity, unit: string][] = [
  ['time', 'ms'],
  ['memory', 'MB'],
];

/** Both sides at each size, and below them the exponents with which they grow. */
export function formatGrowth(points: readonly GrowthPoint[]): string {
  const axes: [Axis, label: string][] = [
    ['batch', 'batch'],
    ['image_tokens', 'image tokens'],
  ];
  return worksOf(points)
    .flatMap((work) =>
      axes.map(([axis, label]) => `${work}\n${axisTable(points, work, axis, label)}`),
    )
    .join('\n');
}

function axisTable(
  points: readonly GrowthPoint[],
  work: string,
  axis: Axis,
  label: string,
): string {
  const columns = QUANTITIES.flatMap(([quantity, unit]) =>
    (['flowbook', 'eager'] as const).map((side) => ({ quantity, unit, side })),
  );
  const names = { flowbook: 'Flowbook', eager: 'PyTorch' };
  return layOut([
    [label, ...columns.map(({ side, unit }) => `${names[side]}, ${unit}`)],
    ...pointsAlong(points, work, axis).map((point) => [
      String(point[axis]),
      ...columns.map(({ quantity, side }) => quantityOf(point, quantity, side).toFixed(0)),
    ]),
    [
      'grows as size to the',
      ...columns.map(({ quantity, side }) =>
        growthExponent(points, { work, axis, quantity, side }).toFixed(2),
      ),
    ],
  ]);
}
