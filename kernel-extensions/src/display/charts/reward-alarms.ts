import type { LogRow } from './log-rows';

/** Something that went wrong at a step. */
export interface Alarm {
  step: number;
  message: string;
}

/** The alarms of a log: rewards that are not finite, groups without spread, rows' own `alarm` texts. */
export function findAlarms(
  log: readonly LogRow[],
  reward: string,
  spread: string | undefined,
): Alarm[] {
  const alarms: Alarm[] = [];
  for (const row of log) {
    const value = row[reward];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      // JSON has no NaN: a run log read from a file holds null in its place.
      alarms.push({ step: row.step, message: 'the reward is not a finite number' });
    }
    if (spread !== undefined && row[spread] === 0) {
      alarms.push({
        step: row.step,
        message: 'all rewards are equal, so the step teaches nothing',
      });
    }
    if (typeof row.alarm === 'string') alarms.push({ step: row.step, message: row.alarm });
  }
  return alarms;
}

/** Alarms by message, with the steps they are about. */
export function summariseAlarms(alarms: readonly Alarm[]): string[] {
  const steps = new Map<string, number[]>();
  for (const { step, message } of alarms) steps.set(message, [...(steps.get(message) ?? []), step]);
  return [...steps].map(([message, at]) => {
    const shown = at.slice(0, 3).join(', ');
    const rest = at.length > 3 ? ` and ${at.length - 3} more` : '';
    return `Step ${shown}${rest}: ${message}.`;
  });
}
