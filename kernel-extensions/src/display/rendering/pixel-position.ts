import type { VegaLitePart } from './vega-lite-spec';

/** A position channel in screen pixels, for tables and grids: no scale, no axis. */
export function pixel(field: string): VegaLitePart {
  return { field, type: 'quantitative', scale: null, axis: null };
}
