/** How slowly DiffusionNFT's old policy follows the current one, as training goes; a number is a decay that stays. */
export type OldPolicySchedule = ScheduleName | number;

type ScheduleName = 'copy' | 'linear_to_0_5' | 'delayed_linear_to_0_999';

/** Steps before the old policy is more than a copy, decay a step after that, and the largest decay. */
const SCHEDULES: Record<ScheduleName, { warmup: number; rate: number; cap: number }> = {
  copy: { warmup: 0, rate: 0, cap: 0 },
  linear_to_0_5: { warmup: 0, rate: 0.001, cap: 0.5 },
  delayed_linear_to_0_999: { warmup: 75, rate: 0.0075, cap: 0.999 },
};

/** Their names. */
export const OLD_POLICY_SCHEDULES = Object.keys(SCHEDULES);

/**
 * The decay d of the old policy at a training step, for old <- d old + (1 - d) current
 * (https://arxiv.org/abs/2509.16117, section 4.1): min((step - warmup) rate, cap), 0 before the warm-up is over.
 *
 * @param step From 1.
 * @throws On an unknown schedule, or a number that is not from 0 to below 1.
 * @example
 * oldPolicyDecay(100, 'linear_to_0_5'); // 0.1
 */
export function oldPolicyDecay(step: number, schedule: OldPolicySchedule): number {
  if (typeof schedule === 'number') {
    if (schedule >= 0 && schedule < 1) return schedule;
    throw new Error(
      `Cannot update the old policy as its decay must be 0 to less than 1: current value is ${schedule}`,
    );
  }
  const found = SCHEDULES[schedule];
  if (found === undefined) {
    throw new Error(
      `Cannot update the old policy as its schedule must be ${OLD_POLICY_SCHEDULES.join(', ')}: current value is ${schedule}`,
    );
  }
  const { warmup, rate, cap } = found;
  return step < warmup ? 0 : Math.min((step - warmup) * rate, cap);
}
