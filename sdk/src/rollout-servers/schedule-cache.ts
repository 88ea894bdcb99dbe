import { DiffusionModelConfig } from '../config';
import { buildScheduler } from '../pipelines';
import type { FlowMatchSchedule } from '../schedulers';
import type { RolloutPartSettings } from '../training/rollout-part';
import type { RolloutSchedule } from './rollout-protocol';

/** The schedules that rollouts of a model go by, each made once. */
export class ScheduleCache {
  readonly #made = new Map<string, RolloutSchedule>();

  /** @param config Of the pipeline that is trained, whatever its algorithm. */
  constructor(private readonly config: DiffusionModelConfig) {}

  /** By size and number of steps. */
  of({ height, width, numInferenceSteps: steps }: RolloutPartSettings): RolloutSchedule {
    const name = [height, width, steps].join();
    const known = this.#made.get(name) ?? this.#make(height, width, steps);
    this.#made.set(name, known);
    return known;
  }

  #make(height: number, width: number, num_inference_steps: number): RolloutSchedule {
    const pipeline = { ...this.config.pipeline, height, width, num_inference_steps };
    // Rollouts of every algorithm go by the reverse process's schedule, which FlowGRPO's adapters build.
    const config = DiffusionModelConfig.from({ ...this.config, pipeline, algorithm: 'flow_grpo' });
    const scheduler = buildScheduler(config) as FlowMatchSchedule;
    try {
      return {
        sigmas: scheduler.sigmaValues.slice(),
        timesteps: scheduler.timestepValues.slice(),
      };
    } finally {
      scheduler.dispose();
    }
  }
}
