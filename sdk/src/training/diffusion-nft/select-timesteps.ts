import { checkOptions, COMPAT, number, type Rules } from '../../core/option-rules';
import type { RandomKey } from '../../core/random-key';
import { TorchRandom } from '../../core/torch-random';
import { tf } from '../../tensorflow';
import { drawPrompts } from '../draw-prompts';

/** How times of training are chosen from a rollout's. */
export interface SelectTimestepsOptions {
  /** Share of the rollout's times that a picture is trained at. Default 1. */
  fraction?: number;
  /** 'verl-omni' cuts times down to whole numbers. Default null. */
  compat?: 'verl-omni' | null;
}

const RULES: Rules<SelectTimestepsOptions> = {
  fraction: number({ above: 0, most: 1 }),
  compat: COMPAT,
};

/**
 * The times that DiffusionNFT trains each picture at: those of its rollout in random order, of which the first
 * max(1, floor(T fraction)) are taken.
 *
 * @param timesteps (B, T) from 0 to 1000, as the rollout went through them.
 * @param order What each row's order follows from: a key, or a seed for PyTorch's `randperm` (verl-omni's
 *   `data_loader_seed`).
 * @returns (B, K); the caller owns it.
 * @throws When there is no such option or one breaks its rule.
 * @example
 * selectTimesteps(tf.tensor2d([[900, 600, 300]]), RandomKey.fromSeed(1), { fraction: 0.7 }).shape; // [1, 2]
 */
export function selectTimesteps(
  timesteps: tf.Tensor2D,
  order: RandomKey | number,
  options: SelectTimestepsOptions = {},
): tf.Tensor2D {
  checkOptions('select times', options, RULES);
  const { fraction = 1, compat = null } = options;
  const [B, T] = timesteps.shape;
  const count = Math.max(1, Math.floor(T * fraction));
  const torch = typeof order === 'number' ? new TorchRandom(order) : null;
  const shuffled = (times: number[], row: number) =>
    torch === null
      ? drawPrompts(times, (order as RandomKey).fold(row), { count: T })
      : torch.permutation(T).map((at) => times[at]);
  const rows = timesteps
    .arraySync()
    .map((times, row) => shuffled(times, row).slice(0, count))
    .map((times) => (compat === 'verl-omni' ? times.map(Math.trunc) : times));
  return tf.tensor2d(rows, [B, count]);
}
