import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import type { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { refuse } from '../refuse';
import { lineChart } from './curves';
import { findField, type LogStep, numberAt, openRows } from './log-rows';

const action = 'draw KL divergences';

/** Options of `kl()`. */
export interface KlOptions {
  /** More than this is too far: a dashed line, and a warning that counts the steps beyond it. Default: none. */
  limit?: number;
  /** Each point is the mean of this many rows around it. Default 1. */
  smoothing?: number;
  /** What the horizontal axis shows. Default 'training step'. */
  stepLabel?: string;
  title?: string;
}

/** What logs call the divergences, and what each is measured from. */
const divergences: readonly (readonly [line: string, spellings: readonly string[]])[] = [
  ['from the rollout policy', ['approxKl', 'actor/ppo_kl']],
  ['between the steps’ Gaussians', ['actor/kl_new_old_mean']],
  ['from the reference', ['actor/kl_loss', 'actor/ref_kl_loss', 'refKl']],
  ['from the teacher', ['actor/distill_kl_loss', 'actor/distill_fm_mse_loss']],
];

const RULES: Rules<KlOptions> = {
  limit: ANYTHING,
  smoothing: ANYTHING,
  stepLabel: ANYTHING,
  title: ANYTHING,
};

/**
 * How far a policy went from others over a run, as KL divergences: from the policy that drew the pictures, from the
 * reference, from a teacher, whichever the log has. The one from the rollout policy is the mean of old minus new
 * log-probability (Schulman 2020, "Approximating KL Divergence", k1), which single steps may well make negative.
 *
 * @param log rows in the order of their steps.
 * @throws if no row has a divergence.
 * @example
 * const drawing = kl([{ step: 1, approxKl: 1e-5 }, { step: 2, approxKl: 4e-5 }], { limit: 1e-4 });
 */
export function kl<Step extends LogStep>(log: readonly Step[], options: KlOptions = {}): Drawing {
  checkOptions(action, options, RULES);
  const { limit, smoothing, stepLabel, title = 'KL divergence' } = options;
  const rows = openRows(action, log);
  const found = divergences.flatMap(([line, spellings]) => {
    const field = findField(rows, spellings);
    return field === undefined ? [] : [{ line, field }];
  });
  if (found.length === 0) {
    const fields = divergences.flatMap(([, names]) => names).join(', ');
    refuse(action, `rows must have one of ${fields}`, `${plural(rows.length, 'row')} without`);
  }
  const runs = Object.fromEntries(
    found.map(({ line, field }) => [
      line,
      rows
        .filter((row) => row[field] !== undefined)
        .map((row) => ({ step: row.step, kl: numberAt(row, field) })),
    ]),
  );
  const warnings = Object.entries(runs).flatMap(([line, steps]) => {
    const beyond = steps.filter(({ kl }) => limit !== undefined && kl > limit);
    return beyond.length === 0
      ? []
      : [
          `${line}: ${plural(beyond.length, 'step')} beyond ${format(limit!)}, the first is step ${beyond[0].step}.`,
        ];
  });
  return lineChart(runs, {
    name: 'kl',
    field: 'kl',
    label: 'KL divergence',
    title,
    warnings,
    mark: limit ?? 0,
    ...(smoothing !== undefined && { smoothing }),
    ...(stepLabel !== undefined && { stepLabel }),
  });
}
