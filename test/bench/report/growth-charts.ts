import { Drawing } from '../../../kernel-extensions/src/display/drawing';
import { chartSpec } from '../../../kernel-extensions/src/display/rendering/chart-spec';
import { colour } from '../../../kernel-extensions/src/display/rendering/theme';
import type { VegaLitePart } from '../../../kernel-extensions/src/display/rendering/vega-lite-spec';
import {
  growthExponent,
  pointsAlong,
  quantityOf,
  worksOf,
  type Axis,
  type GrowthPoint,
  type Quantity,
} from '../growth/growth-point';
import { formatGrowth } from '../growth/growth-table';

const SIDES = { flowbook: 'Flowbook', eager: 'PyTorch' } as const;
const AXES: Record<Axis, string> = {
  image_tokens: 'image tokens, batch 1',
  batch: 'batch, 256 image tokens',
};
const TITLES: Record<Quantity, { title: string; axis: string }> = {
  time: { title: 'Time over size', axis: 'milliseconds' },
  memory: { title: 'Memory over size', axis: 'peak megabytes beyond the loaded model' },
};

const DASHES = [
  [1, 0],
  [5, 3],
];

/** Time or memory of both sides over both sizes, on logarithmic scales, with the exponents in words. */
export function growthChart(
  points: readonly GrowthPoint[],
  quantity: Quantity,
  name = `performance-${quantity}`,
): Drawing {
  const works = worksOf(points);
  const { title, axis } = TITLES[quantity];
  const subtitle = works.flatMap((work) =>
    (Object.keys(AXES) as Axis[]).map((along) => {
      const [ours, theirs] = (['flowbook', 'eager'] as const).map((side) =>
        growthExponent(points, { work, axis: along, quantity, side }).toFixed(2),
      );
      return `${work}, over ${along === 'batch' ? 'batch' : 'tokens'}: exponent ${ours}, PyTorch ${theirs}`;
    }),
  );
  const spec = chartSpec(
    { title, subtitle, description: `${title}. ${subtitle.join('. ')}.` },
    {
      hconcat: (Object.keys(AXES) as Axis[]).map((along) =>
        panel(points, works, quantity, along, axis),
      ),
      resolve: { scale: { y: 'shared' } },
    },
  );
  return new Drawing({ name, spec, text: formatGrowth(points) });
}

function panel(
  points: readonly GrowthPoint[],
  works: readonly string[],
  quantity: Quantity,
  along: Axis,
  title: string,
): VegaLitePart {
  const values = works.flatMap((work) =>
    pointsAlong(points, work, along).flatMap((point) =>
      (['flowbook', 'eager'] as const).map((side) => ({
        work,
        side: SIDES[side],
        size: point[along],
        value: quantityOf(point, quantity, side),
      })),
    ),
  );
  const sizes = [...new Set(values.map(({ size }) => size))];
  return {
    width: 270,
    height: 250,
    data: { values },
    encoding: {
      x: {
        field: 'size',
        type: 'quantitative',
        scale: { type: 'log', base: 2, nice: false },
        axis: { title: AXES[along], values: sizes, format: 'd' },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { type: 'log' },
        axis: { title: along === 'image_tokens' ? title : null, format: '~s' },
      },
      color: {
        field: 'side',
        type: 'nominal',
        scale: { domain: Object.values(SIDES), range: [colour.blue, colour.orange] },
        legend: { title: null, orient: 'bottom' },
      },
    },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          strokeDash: {
            field: 'work',
            type: 'nominal',
            scale: { domain: works, range: DASHES.slice(0, works.length) },
            legend: { title: null, orient: 'bottom', symbolType: 'stroke' },
          },
        },
      },
      { mark: { type: 'point', filled: true, opacity: 1, size: 40 } },
    ],
  };
}
