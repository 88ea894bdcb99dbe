import { checkOptions, COMPAT, number, oneOf, SWITCH, wholeNumber } from '../core/option-rules';
import type { Rules } from '../core/option-rules';
import { showValue } from '../core/show-value';
import { mean, standardDeviation } from '../core/statistics';
import { tf } from '../tensorflow';

/** Options of `groupAdvantages`. */
export interface GroupAdvantageOptions {
  /** Divide by the standard deviation (default), or only subtract the mean. */
  normAdvByStdInGrpo?: boolean;
  /** Take the standard deviation over the whole batch (default), or over each group. */
  globalStd?: boolean;
  /** Added to the standard deviation. Default 1e-4. */
  epsilon?: number;
  /** 'flow_grpo' (default) or 'dance_grpo', which differ only under `compat`. */
  advEstimator?: 'flow_grpo' | 'dance_grpo';
  /** 'verl-omni' ignores both flags for 'dance_grpo' (they count as true), and gives NaN where one value alone is
   * divided by its standard deviation. Default null. */
  compat?: 'verl-omni' | null;
  /** W: repeat (B, 1) rewards to (B, W) first, as a trainer does with W window steps. Default: as given. */
  width?: number;
}

const RULES: Rules<GroupAdvantageOptions> = {
  normAdvByStdInGrpo: SWITCH,
  globalStd: SWITCH,
  epsilon: number({ least: 0 }),
  advEstimator: oneOf('flow_grpo', 'dance_grpo'),
  compat: COMPAT,
  width: wholeNumber(1),
};

/**
 * Group-relative advantages, A = (R - mean of the group) / (std + epsilon), as in GRPO (https://arxiv.org/abs/2402.03300)
 * and FlowGRPO (https://arxiv.org/abs/2505.05470).
 *
 * The standard deviation is unbiased (n - 1), over all B * W values or over the group's. A group of one, and a group of
 * equal rewards, has advantage 0. Repeating a reward W times changes the unbiased standard deviation a little, so W matters.
 *
 * @param rewards (B, W) or (B) rewards.
 * @param groups B group names: rows with the same one (usually the same prompt) are compared.
 * @returns (B, W) float32. The caller owns it.
 * @throws When there is no such option or one breaks its rule, rewards are of another rank, a row has no group, or a reward is
 *   not finite: leave such rows out.
 *
 * @example
 * groupAdvantages([1, 3, 0, 2], ['a', 'a', 'b', 'b'], { normAdvByStdInGrpo: false }); // [[-1], [1], [-1], [1]]
 */
export function groupAdvantages(
  rewards: tf.Tensor | readonly number[],
  groups: readonly (string | number)[],
  options: GroupAdvantageOptions = {},
): tf.Tensor2D {
  checkOptions('compute advantages', options, RULES);
  const { epsilon = 1e-4, compat = null, advEstimator = 'flow_grpo' } = options;
  const flagsCount = compat === null || advEstimator !== 'dance_grpo';
  const normAdvByStdInGrpo = !flagsCount || (options.normAdvByStdInGrpo ?? true);
  const globalStd = !flagsCount || (options.globalStd ?? true);
  const rows = repeat(rowsOf(rewards), options.width);
  if (rows.length !== groups.length) {
    throw new Error(
      `Cannot compute advantages as there must be one group name a reward (${rows.length}): there are ${groups.length}`,
    );
  }
  const broken = rows.findIndex((row) => !row.every(Number.isFinite));
  if (broken >= 0) {
    throw new Error(
      `Cannot compute advantages as rewards must be finite numbers: row ${broken} has ${rows[broken].map(showValue).join(', ')}`,
    );
  }
  const members = new Map<string | number, number[]>();
  groups.forEach((group, row) => members.set(group, [...(members.get(group) ?? []), row]));

  const batchStd = standardDeviation(rows.flat(), 1);
  const isNaN = compat !== null && normAdvByStdInGrpo && globalStd && rows.flat().length === 1;
  const advantages = rows.map((row) => row.map(() => (isNaN ? NaN : 0)));
  for (const indices of members.values()) {
    if (indices.length === 1) continue;
    const values = indices.flatMap((row) => rows[row]);
    // The mean of equal numbers may differ from them in its last bit, whose sign alone some losses take.
    if (values.every((value) => value === values[0])) continue;
    const center = mean(values);
    const std = globalStd ? batchStd : standardDeviation(values, 1);
    const scale = normAdvByStdInGrpo ? 1 / (std + epsilon) : 1;
    for (const row of indices) {
      advantages[row] = rows[row].map((reward) => (reward - center) * scale);
    }
  }
  return tf.tensor2d(advantages.flat(), [rows.length, rows[0]?.length ?? 0]);
}

function rowsOf(rewards: tf.Tensor | readonly number[]): number[][] {
  if (!('dataSync' in rewards)) return rewards.map((reward) => [reward]);
  if (rewards.rank !== 1 && rewards.rank !== 2) {
    throw new Error(
      `Cannot compute advantages as rewards must be (B) or (B, W): their shape is [${rewards.shape}]`,
    );
  }
  const [B, W = 1] = rewards.shape;
  const values = Array.from(rewards.dataSync());
  return Array.from({ length: B }, (_, row) => values.slice(row * W, (row + 1) * W));
}

function repeat(rows: number[][], width: number | undefined): number[][] {
  if (width === undefined) return rows;
  const wide = rows.find((row) => row.length !== 1);
  if (wide !== undefined) {
    throw new Error(
      `Cannot repeat rewards to width ${width} as there must be one a row: there are ${wide.length}`,
    );
  }
  return rows.map(([reward]) => Array<number>(width).fill(reward));
}
