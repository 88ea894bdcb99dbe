import { mixGrpoWindow, type MixGrpoWindowSettings, type SdeWindow } from '../../schedulers';
import { FORWARD_DEFAULTS, type ForwardOptions } from '../qwen-image-flow-grpo/forward-options';
import type { RolloutExtraArgs, RolloutRequest } from '../rollout-request';
import { inferenceSteps } from '../rollout-settings';

/**
 * What MixGRPO reads from a request's `extra_args`. What is missing there is the pipeline configuration's (`modelConfig.algo`),
 * but for the window's size and range: those are the options' of `forward`, as in every rollout.
 */
export interface MixGrpoExtraArgs extends RolloutExtraArgs {
  /** The training step, from 1. */
  global_steps?: number | null;
  /** 'random' or 'progressive'. */
  sample_strategy?: MixGrpoWindowSettings['sample_strategy'];
  /** Training steps that a progressive window stays. */
  iters_per_group?: number | null;
  /** Seed of random windows; null draws them from the rollout's generator. */
  sde_window_seed?: number | null;
}

/** The window's settings of a pipeline's configuration. */
export type MixGrpoAlgo = Required<
  Pick<MixGrpoWindowSettings, 'sample_strategy' | 'iters_per_group' | 'sde_window_seed'>
>;

/**
 * Writes the window of a training step into a request: its `sde_window_range` becomes exactly the
 * window, so that nothing is left to draw. Without a window size, or with random windows that have no
 * seed or no training step, the request comes back as it is.
 *
 * By default the window lies within the rollout's steps, and a progressive one needs the training step.
 * `compat: 'verl-omni'` counts a missing training step as 0 and progressive steps from 0.
 *
 * @param req Is not changed.
 * @throws When the window does not fit, or a progressive one could lie anywhere for want of `global_steps`.
 *
 * @example
 * const extra_args = { sample_strategy: 'progressive', global_steps: 1 };
 * const request = { prompts: ['a red circle'], sampling_params: { extra_args } };
 * const placed = withMixGrpoWindow(request, { numInferenceSteps: 10, sdeWindowSize: 2 }, pipeline.modelConfig.algo);
 * placed.sampling_params?.extra_args?.sde_window_range; // [0, 2] // the first window of all
 */
export function withMixGrpoWindow(
  req: RolloutRequest,
  options: ForwardOptions,
  algo: MixGrpoAlgo,
): RolloutRequest {
  const compat = options.compat ?? null;
  const asked = req.sampling_params ?? {};
  const extra = (asked.extra_args ?? {}) as MixGrpoExtraArgs;
  const settings = {
    ...algo,
    ...withoutNull(extra, ['sample_strategy', 'iters_per_group', 'global_steps']),
    ...(extra.sde_window_seed === undefined ? {} : { sde_window_seed: extra.sde_window_seed }),
    sde_window_size: extra.sde_window_size || options.sdeWindowSize || null,
    sde_window_range:
      extra.sde_window_range ?? options.sdeWindowRange ?? FORWARD_DEFAULTS.sdeWindowRange,
  };
  if (compat === null && settings.sde_window_size !== null) {
    const steps = inferenceSteps(req, options, FORWARD_DEFAULTS.numInferenceSteps);
    const [first, end] = settings.sde_window_range;
    settings.sde_window_range = [first, Math.min(end, steps)];
    if (settings.global_steps === undefined) {
      refuseToGuess(settings, settings.sde_window_size);
      return req;
    }
  }
  const window = mixGrpoWindow(settings, compat);
  if (window === null || window[1] - window[0] !== settings.sde_window_size) return req;
  return {
    ...req,
    sampling_params: { ...asked, extra_args: { ...extra, sde_window_range: window } },
  };
}

function refuseToGuess(
  {
    sample_strategy,
    sde_window_range: [first, end],
  }: Pick<MixGrpoAlgo, 'sample_strategy'> & {
    sde_window_range: SdeWindow;
  },
  size: number,
): void {
  if (sample_strategy === 'progressive' && end - first > size) {
    throw new Error(
      'Cannot place a progressive SDE window as extra_args.global_steps must say the training step: current value is undefined',
    );
  }
}

function withoutNull<Key extends keyof MixGrpoExtraArgs>(
  args: MixGrpoExtraArgs,
  keys: readonly Key[],
): { [K in Key]?: NonNullable<MixGrpoExtraArgs[K]> } {
  const given = keys.filter((key) => args[key] !== null && args[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, args[key]])) as {
    [K in Key]?: NonNullable<MixGrpoExtraArgs[K]>;
  };
}
