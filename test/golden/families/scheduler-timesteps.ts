import {
  calculateShift,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
} from '../../../sdk/src/schedulers';
import { Comparison } from '../comparison';
import type { FamilyCheck, GoldenCase } from '../golden-case';

export const check: FamilyCheck = async (goldenCase) => {
  const comparison = new Comparison();
  if (goldenCase.json.init === undefined) compareShifts(goldenCase, comparison);
  else compareSchedules(goldenCase, comparison);
  return comparison.result();
};

function compareShifts({ json }: GoldenCase, comparison: Comparison): void {
  for (const [index, sub] of json.subcases.entries()) {
    const mu = calculateShift(sub.image_seq_len, {
      baseSeqLen: sub.base_seq_len,
      maxSeqLen: sub.max_seq_len,
      baseShift: sub.base_shift,
      maxShift: sub.max_shift,
    });
    comparison.compare(`mu ${index}`, mu, sub.mu, json.tolerance);
  }
  for (const [index, sub] of (json.sd3_default_subcases ?? []).entries()) {
    const mu = calculateShift(sub.image_seq_len, { maxShift: 1.16 });
    comparison.compare(`sd3 mu ${index}`, mu, sub.mu, json.tolerance);
  }
}

function compareSchedules({ json, tensor }: GoldenCase, comparison: Comparison): void {
  const { atol, rtol } = json.tolerance;
  const timestepAtol = atol * json.config.num_train_timesteps;
  for (const Scheduler of [FlowMatchSDEDiscreteScheduler, FlowMatchEulerDiscreteScheduler]) {
    const scheduler = Scheduler.fromConfig(json.config);
    const compare = (id: string) => {
      const { timesteps, sigmas } = scheduler;
      comparison.compare(`${id}.timesteps`, timesteps, tensor(`${id}.timesteps`), {
        atol: timestepAtol,
        rtol,
      });
      comparison.compare(`${id}.sigmas`, sigmas, tensor(`${id}.sigmas`), { atol, rtol });
    };
    compare('init');
    comparison.compare('sigma_min', scheduler.sigmaMin, json.init.sigma_min, { atol, rtol });
    comparison.compare('sigma_max', scheduler.sigmaMax, json.init.sigma_max, { atol, rtol });
    comparison.equal('shift', scheduler.shift, json.init.shift);
    comparison.equal('steps', scheduler.timestepValues.length, json.init.num_timesteps);
    for (const sub of json.subcases) {
      const { num_inference_steps: count, sigmas, timesteps, mu } = sub.set_timesteps;
      scheduler.setTimesteps(count, { sigmas, timesteps, mu });
      compare(sub.id);
      comparison.equal(
        `${sub.id} count`,
        scheduler.numInferenceSteps,
        sub.num_inference_steps_after,
      );
    }
    scheduler.dispose();
  }
}
