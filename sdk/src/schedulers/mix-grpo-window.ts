import {
  checkOptions,
  COMPAT,
  listOf,
  orNull,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import { PythonRandom } from '../core/python-random';
import { lastWindowStart } from './sde-window';

/** Settings of a rollout that say where noise is put in, with verl-omni's keys (rollout.algo). */
export interface MixGrpoWindowSettings {
  /** 'random' places a window anew at every training step, 'progressive' moves it along. Default 'random'. */
  sample_strategy?: 'random' | 'progressive' | null;
  /** Steps in a window; null leaves the range as it is. */
  sde_window_size?: number | null;
  /** The window lies within [first, end). Default [0, 5]. */
  sde_window_range?: readonly [number, number] | null;
  /** The training step, counted from 1. */
  global_steps?: number | null;
  /** 'progressive': training steps that a window stays. Default 1. */
  iters_per_group?: number | null;
  /** 'random': seed of the placement; null leaves the range as it is. */
  sde_window_seed?: number | null;
}

/** `sample_strategy` is looked at apart, as verl-omni takes any. */
const RULES: Rules<Omit<MixGrpoWindowSettings, 'sample_strategy'>> = {
  sde_window_size: orNull(wholeNumber(1)),
  sde_window_range: orNull(
    listOf(wholeNumber(0), { length: 2, words: 'a list of two whole numbers' }),
  ),
  global_steps: orNull(wholeNumber(0)),
  iters_per_group: orNull(wholeNumber(1)),
  sde_window_seed: orNull(wholeNumber()),
};

/**
 * MixGRPO's window (https://arxiv.org/abs/2507.21802): only these denoising steps get noise and are trained, the others are
 * deterministic.
 *
 * 'random' starts where `random.Random(seed + step).randint` says; 'progressive' advances by one window every
 * `iters_per_group` training steps and stays at the last.
 *
 * @param compat 'verl-omni' counts progressive steps from 0 although training starts at 1, so that the first window is
 *   short or never trained. Default null: the first window gets its full share.
 * @returns [start, start + size), or `sde_window_range` unchanged (or null) when there is no size or no seed.
 * @throws When the window does not fit in the range, the strategy is neither of the two (which verl-omni ignores), or a number is
 *   no whole one (which verl-omni computes with).
 *
 * @example
 * mixGrpoWindow({ sample_strategy: 'progressive', sde_window_size: 2, global_steps: 2 }); // [2, 4]
 */
export function mixGrpoWindow(
  settings: MixGrpoWindowSettings,
  compat: 'verl-omni' | null = null,
): [number, number] | null {
  checkOptions('place an SDE window', { compat }, { compat: COMPAT });
  const { sde_window_range: range, sde_window_size: size, sde_window_seed: seed } = settings;
  const strategy = settings.sample_strategy ?? 'random';
  if (!['random', 'progressive'].includes(strategy)) {
    if (compat !== null) return range ? [...range] : null;
    throw new Error(
      `Cannot place an SDE window as sample_strategy must be random or progressive: current value is ${strategy as string}`,
    );
  }
  if (compat === null) {
    // A request's own arguments may lie beside them.
    const { global_steps, iters_per_group } = settings;
    const numbers = { sde_window_size: size, sde_window_range: range, sde_window_seed: seed };
    checkOptions('place an SDE window', { ...numbers, global_steps, iters_per_group }, RULES);
  }
  const progressive = strategy === 'progressive';
  const isNone = (value: unknown) => value === null || value === undefined;
  if (isNone(size) || (!progressive && isNone(seed))) return range ? [...range] : null;

  const [first, end] = range ?? [0, 5];
  const place = { size: size as number, range: [first, end] } as const;
  const last = lastWindowStart(place, { isWhole: compat === null });
  const step = settings.global_steps ?? 0;
  const start = progressive
    ? first + windowsDone(compat ? step : step - 1, settings.iters_per_group) * (size as number)
    : new PythonRandom((seed as number) + step).randint(first, last);
  return [Math.min(start, last), Math.min(start, last) + (size as number)];
}

function windowsDone(steps: number, itersPerGroup: number | null | undefined): number {
  return Math.floor(Math.max(0, steps) / Math.max(1, itersPerGroup ?? 1));
}
