import {
  checkOptions,
  orNull,
  required,
  rule,
  SWITCH,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import { RandomKey } from '../core/random-key';
import { TorchRandom } from '../core/torch-random';
import { drawPrompts } from './draw-prompts';

/** How a step's pictures are dealt out to updates. */
export interface MiniBatchOptions {
  /** Pictures for each update; null for all. */
  size: number | null;
  /** Passes over the pictures. */
  epochs: number;
  /** Deal them out in random order. When an update takes all pictures there is nothing to deal out. */
  shuffle: boolean;
  /** What the order follows from: the step's key, or a seed for PyTorch's order (verl-omni's `data_loader_seed`). */
  order: RandomKey | number;
}

const RULES: Rules<MiniBatchOptions> = {
  size: orNull(wholeNumber(1)),
  epochs: required(wholeNumber(1)),
  shuffle: SWITCH,
  order: required(
    rule(
      'a random key or a seed',
      (value) => value instanceof RandomKey || Number.isSafeInteger(value),
    ),
  ),
};

/**
 * The rows of each update, epoch by epoch. The last one of an epoch may be smaller.
 *
 * A seed gives the order of PyTorch's `DataLoader(shuffle=True)` on a generator with that seed, as verl-omni deals out
 * mini-batches.
 *
 * @throws When an option breaks its rule.
 * @example
 * miniBatches([0, 1, 2], { size: 2, epochs: 1, shuffle: false, order: 42 }); // [[0, 1], [2]]
 */
export function miniBatches(rows: readonly number[], options: MiniBatchOptions): number[][] {
  checkOptions('deal out mini-batches', options, RULES);
  const { size, epochs, shuffle, order } = options;
  const each = Math.min(size ?? rows.length, rows.length);
  const isDealt = shuffle && (each < rows.length || typeof order === 'number');
  const torch = typeof order === 'number' ? new TorchRandom(order) : null;
  return Array.from({ length: epochs }, (_, epoch) => {
    const dealt = isDealt ? shuffled(rows, torch, order, epoch) : rows;
    return Array.from({ length: Math.ceil(rows.length / each) }, (_, at) =>
      dealt.slice(at * each, (at + 1) * each),
    );
  }).flat();
}

function shuffled(
  rows: readonly number[],
  torch: TorchRandom | null,
  order: RandomKey | number,
  epoch: number,
): readonly number[] {
  if (torch === null) {
    return drawPrompts(rows, (order as RandomKey).fold(epoch), { count: rows.length });
  }
  // A DataLoader draws a seed for its workers, then the order, and one more order that it does not use.
  torch.integer(0, Number.MAX_SAFE_INTEGER);
  const permutation = torch.permutation(rows.length);
  torch.permutation(rows.length);
  return permutation.map((at) => rows[at]);
}
