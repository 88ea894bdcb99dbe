import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { type FramesDocument, frameUrls } from '../frames';
import { format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { type Pixels } from '../rendering/encode-png';
import { readNumbers, type TensorLike } from '../tensor-like';
import { type AttentionMapsOptions, attentionTiles } from './attention-tiles';
import { imageGrid } from './image-cells';
import { imageLayers } from './image-layers';

export type { AttentionMapsOptions };

const mostTiles = 40;

const RULES: Rules<AttentionMapsOptions> = {
  sample: ANYTHING,
  head: ANYTHING,
  grid: ANYTHING,
  tokens: ANYTHING,
  title: ANYTHING,
};

/**
 * Attention weights as pictures, white 0, dark blue the largest of a tile. With `grid`, a map over the picture for each
 * token of the prompt: where in the picture it is looked at from. Without it, a matrix for each head: queries downwards,
 * keys to the right.
 *
 * @param weights softmax(q k^T / sqrt(D)), (B, H, Lq, Lk); each row sums to 1.
 * @throws if the shape is another one, or sample, head, grid or tokens do not fit it.
 * @example
 * const weights = { shape: [1, 1, 4, 2], dtype: 'float32', dataSync: () => Float32Array.of(1, 0, 1, 0, 0, 1, 0.5, 0.5) };
 * const drawing = attentionMaps(weights, { grid: [2, 2], tokens: ['red', 'circle'] });
 */
export function attentionMaps(weights: TensorLike, options: AttentionMapsOptions = {}): Drawing {
  checkOptions('draw attention', options, RULES);
  const { grid, tokens, title = 'Attention' } = options;
  const all = attentionTiles(readNumbers(weights), weights.shape, options);
  const tiles = all.slice(0, mostTiles);
  const notSpread = tiles.filter(({ least, greatest }) => !Number.isFinite(least + greatest));
  const facts = [
    `sample ${options.sample ?? 0}`,
    grid === undefined ? plural(weights.shape[1], 'head') : headText(options.head),
    grid === undefined
      ? `${weights.shape[2]} queries (down) × ${weights.shape[3]} keys`
      : `a map of ${grid[0]} × ${grid[1]} for each token`,
    'white 0, dark the largest of each',
  ].join('  ·  ');
  const warnings = [
    ...(all.length > tiles.length
      ? [`Only the first ${tiles.length} of ${all.length} are drawn.`]
      : []),
    ...(notSpread.length > 0
      ? [`${plural(notSpread.length, 'map')} with NaN or infinite weights (black).`]
      : []),
  ];
  const largest = tiles.map(({ greatest }) => `at most ${format(greatest)}`);
  const pixels: Pixels[] = tiles.map((tile) => tile.pixels);
  const side = Math.max(pixels[0].width, pixels[0].height);
  const items = tiles.map(({ name }, at) => ({
    picture: { ...pixels[at], channels: 3 as const },
    caption: `${name} (${largest[at]})`,
    verdict: null,
  }));
  const size = tiles.length === 1 ? 320 : 96;
  const scale = side <= size ? Math.floor(size / side) : size / side;
  const { cells, width, height } = imageGrid(items, scale, undefined);
  const description = `Attention maps, ${facts}: ${tiles.map(({ name }) => name).join(', ')}.`;
  const spec = chartSpec(
    { title, subtitle: facts, warnings, description },
    { width, height, data: { values: cells }, layer: imageLayers(cells) },
  );
  const frames: FramesDocument = {
    version: 1,
    title,
    description: [description, ...warnings].join(' '),
    unit: tokens === undefined ? 'head' : 'token',
    labels: items.map(({ caption }) => caption),
    tracks: [{ name: 'attention', urls: frameUrls(pixels) }],
    start: 0,
  };
  const lines = tiles.map(
    ({ name, greatest, peak, mean }) =>
      `${name}: mean ${format(mean)}, largest ${format(greatest)} at row ${peak[0]}, column ${peak[1]}`,
  );
  const text = [`${title}, ${facts}`, ...warnings.map((line) => `⚠ ${line}`), ...lines];
  return new Drawing({ name: 'attention-maps', spec, text: text.join('\n'), frames });
}

function headText(head: AttentionMapsOptions['head'] = 'mean'): string {
  return head === 'mean' ? 'mean of the heads' : `head ${head}`;
}
