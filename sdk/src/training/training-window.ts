import type { DiffusionModelConfig } from '../config';
import { mixGrpoWindow } from '../schedulers';
import type { FlowGRPOSettings } from './flow-grpo-settings';

/**
 * MixGRPO's window of a training step (https://arxiv.org/abs/2507.21802): where noise is put in and what is trained.
 *
 * A setting that is null comes from the model's configuration, whose algorithm `mix_grpo` moves the window by default.
 *
 * @param step From 1.
 * @returns [start, end), or null when the rollout draws its window itself.
 */
export function trainingWindow(
  { algorithm, algo, pipeline }: DiffusionModelConfig,
  settings: FlowGRPOSettings,
  step: number,
): readonly [number, number] | null {
  const strategy =
    settings.sampleStrategy ?? (algorithm === 'mix_grpo' ? algo.sample_strategy : null);
  if (strategy === null) return null;
  const [first, end] = settings.sdeWindowRange;
  return mixGrpoWindow(
    {
      sample_strategy: strategy,
      sde_window_size: settings.sdeWindowSize,
      sde_window_range: [first, Math.min(end, pipeline.num_inference_steps)],
      global_steps: step,
      iters_per_group: settings.itersPerGroup ?? algo.iters_per_group,
      sde_window_seed: settings.sdeWindowSeed ?? algo.sde_window_seed ?? settings.seed,
    },
    settings.compat,
  );
}
