import { inWords, refuse } from '../refuse';
import { isNumberList, requireRecord } from '../require-data';

/** What `sigmas()` needs of a scheduler. */
export interface Schedule {
  /** Noise levels from 1 (pure noise) down, one more than there are steps: the last is the picture. */
  readonly sigmaValues: ArrayLike<number>;
  /** The model's time at each step, in training steps (1000 = pure noise). */
  readonly timestepValues: ArrayLike<number>;
}

/** @throws if a value is no schedule, or one without steps. */
export function requireSchedule(action: string, value: Schedule): void {
  requireRecord(action, 'a schedule { sigmaValues, timestepValues }', value);
  for (const name of ['sigmaValues', 'timestepValues'] as const) {
    if (!isNumberList(value[name])) refuse(action, `${name} must be numbers`, inWords(value[name]));
  }
  if (value.timestepValues.length === 0) refuse(action, 'the schedule must have steps', 0);
}
