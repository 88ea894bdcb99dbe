import { logLogSlope } from './slope';

/** Time and memory of both sides at one size. */
export interface GrowthPoint {
  /** The row whose work it is. */
  work: string;
  batch: number;
  image_tokens: number;
  flowbook_ms: number;
  eager_ms: number;
  /** Peak resident memory of a process that does nothing else. */
  flowbook_mb: number;
  eager_mb: number;
  /** What was resident before the first run. */
  flowbook_loaded_mb: number;
  eager_loaded_mb: number;
}

/** What grows: the batch at one picture size, or the picture at batch 1. */
export type Axis = 'batch' | 'image_tokens';

/** What is measured over it. */
export type Quantity = 'time' | 'memory';

export type Side = 'flowbook' | 'eager';

/** Pictures in a batch, and image tokens of a picture, that growth is measured at. */
export const GROWTH = {
  batch: [1, 2, 4, 8],
  image_tokens: [64, 256, 1024, 4096],
  /** What the other size is meanwhile. */
  fixed: { batch: 1, image_tokens: 256 },
} as const;

/** Milliseconds of a run, or megabytes beyond the loaded model. */
export function quantityOf(point: GrowthPoint, quantity: Quantity, side: Side): number {
  if (quantity === 'time') return point[`${side}_ms`];
  return Math.max(1, point[`${side}_mb`] - point[`${side}_loaded_mb`]);
}

/** A work's points along one axis, in the order of their sizes. */
export function pointsAlong(
  points: readonly GrowthPoint[],
  work: string,
  axis: Axis,
): GrowthPoint[] {
  const other = axis === 'batch' ? 'image_tokens' : 'batch';
  return points
    .filter((point) => point.work === work && point[other] === GROWTH.fixed[other])
    .sort((a, b) => a[axis] - b[axis]);
}

/** The exponent with which a quantity grows along an axis. */
export function growthExponent(
  points: readonly GrowthPoint[],
  { work, axis, quantity, side }: { work: string; axis: Axis; quantity: Quantity; side: Side },
): number {
  return logLogSlope(
    pointsAlong(points, work, axis).map((point) => [
      point[axis],
      quantityOf(point, quantity, side),
    ]),
  );
}

/** The works that there are points of, in their order. */
export const worksOf = (points: readonly GrowthPoint[]): string[] => [
  ...new Set(points.map(({ work }) => work)),
];
