import { refuse } from '../refuse';
import type { Pixels } from '../rendering/encode-png';

/** Options of `attentionMaps()`. */
export interface AttentionMapsOptions {
  /** The row of the batch. Default 0. */
  sample?: number;
  /** One head, or the mean of all. Default: of maps over the picture the mean, of whole matrices each head. */
  head?: number | 'mean';
  /** Rows and columns of image tokens, which are the last queries: each key becomes a map over the picture. */
  grid?: readonly [rows: number, columns: number];
  /** Names of the first keys, such as a prompt's tokens. With `grid` only these are drawn. */
  tokens?: readonly string[];
  title?: string;
}

/** A map or matrix of attention weights. */
export interface AttentionTile {
  name: string;
  pixels: Pixels;
  least: number;
  greatest: number;
  mean: number;
  /** Where the largest weight is. */
  peak: [row: number, column: number];
}

const action = 'draw attention';
const white = [255, 255, 255];
const dark = [0, 52, 102];

/** The weights (B, H, Lq, Lk) cut into what `attentionMaps()` draws. */
export function attentionTiles(
  weights: ArrayLike<number>,
  shape: readonly number[],
  { sample = 0, head, grid, tokens }: AttentionMapsOptions,
): AttentionTile[] {
  if (shape.length !== 4 || weights.length === 0) {
    refuse(action, 'weights must be (B, H, queries, keys)', `(${shape.join(', ')})`);
  }
  const [batch, heads, queries, keys] = shape;
  if (!(sample >= 0 && sample < batch)) refuse(action, `sample must be 0 to ${batch - 1}`, sample);
  if (typeof head === 'number' && !(head >= 0 && head < heads)) {
    refuse(action, `head must be 0 to ${heads - 1} or "mean"`, head);
  }
  if (grid && grid[0] * grid[1] > queries) {
    refuse(action, `grid must hold at most ${queries} queries`, `${grid[0]} x ${grid[1]}`);
  }
  if (tokens && tokens.length > keys)
    refuse(action, `tokens must be at most ${keys}`, tokens.length);

  const at = (h: number, query: number, key: number) =>
    weights[((sample * heads + h) * queries + query) * keys + key];
  const chosen = typeof head === 'number' ? [head] : Array.from({ length: heads }, (_, h) => h);
  const mean = (query: number, key: number) =>
    chosen.reduce((sum, h) => sum + at(h, query, key), 0) / chosen.length;
  if (grid) {
    const [rows, columns] = grid;
    const first = queries - rows * columns;
    return Array.from({ length: tokens?.length ?? keys }, (_, key) =>
      tile(tokens?.[key] ?? `key ${key}`, rows, columns, (row, column) =>
        mean(first + row * columns + column, key),
      ),
    );
  }
  if (head === 'mean') return [tile('mean of the heads', queries, keys, mean)];
  return chosen.map((h) => tile(`head ${h}`, queries, keys, (query, key) => at(h, query, key)));
}

function tile(
  name: string,
  height: number,
  width: number,
  value: (row: number, column: number) => number,
): AttentionTile {
  const values = Float64Array.from({ length: width * height }, (_, i) =>
    value(Math.floor(i / width), i % width),
  );
  const greatest = values.reduce((most, one) => Math.max(most, one), -Infinity);
  const least = values.reduce((most, one) => Math.min(most, one), Infinity);
  const place = Math.max(0, values.indexOf(greatest));
  const data = new Uint8Array(3 * values.length);
  values.forEach((one, i) => {
    if (!Number.isFinite(one)) return;
    const share = greatest > 0 ? Math.max(0, one / greatest) : 0;
    for (let c = 0; c < 3; c++)
      data[3 * i + c] = Math.round(white[c] + share * (dark[c] - white[c]));
  });
  return {
    name,
    pixels: { width, height, data },
    least,
    greatest,
    mean: values.reduce((sum, one) => sum + one, 0) / values.length,
    peak: [Math.floor(place / width), place % width],
  };
}
