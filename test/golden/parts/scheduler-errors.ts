import { FlowMatchSDEDiscreteScheduler } from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';
import type { Comparison } from '../comparison';
import type { Description } from '../golden-case';

const x = () => tf.zeros([2, 3, 4]);

function laidOut(): FlowMatchSDEDiscreteScheduler {
  const scheduler = new FlowMatchSDEDiscreteScheduler();
  scheduler.setTimesteps(4);
  return scheduler;
}

/** The calls that must fail, by the name that the case gives them. */
const CALLS: Record<string, () => unknown> = {
  // JavaScript has one kind of number: an index fails because it is no timestep of the schedule.
  step_int_timestep: () => laidOut().step(x(), 2, x()),
  step_long_tensor_timestep: () => laidOut().step(x(), tf.scalar(1, 'int32'), x()),
  per_token_timesteps: () =>
    laidOut().step(x(), laidOut().timestepValues[0], x(), { perTokenTimesteps: tf.ones([2, 3]) }),
  bad_sde_type: () => laidOut().step(x(), laidOut().timestepValues[0], x(), { sdeType: 'ode' }),
  sample_not_float32: () =>
    laidOut().samplePreviousStep(x().toInt(), x(), { timestep: laidOut().timesteps.slice(0, 2) }),
  missing_mu: () => new FlowMatchSDEDiscreteScheduler({ useDynamicShifting: true }).setTimesteps(4),
  len_mismatch: () =>
    new FlowMatchSDEDiscreteScheduler().setTimesteps(null, { sigmas: [1, 0.5], timesteps: [1000] }),
  n_mismatch: () => new FlowMatchSDEDiscreteScheduler().setTimesteps(3, { sigmas: [1, 0.5] }),
  two_schedules: () =>
    new FlowMatchSDEDiscreteScheduler({ useKarrasSigmas: true, useBetaSigmas: true }),
  bad_time_shift_type: () =>
    new FlowMatchSDEDiscreteScheduler({ timeShiftType: 'cubic' as 'linear' }),
  unknown_timestep: () => laidOut().step(x(), 123.456, x()),
};

/** Checks that each listed call throws. */
export async function compareErrors(json: Description, comparison: Comparison): Promise<void> {
  for (const name of Object.keys(json.errors)) {
    if (CALLS[name] === undefined) comparison.fail(`no call for error case ${name}`);
    else await comparison.throws(name, CALLS[name]);
  }
}
