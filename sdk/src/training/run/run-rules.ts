import {
  FUNCTION,
  number,
  orNull,
  anyOf,
  rule,
  section,
  SIGNAL,
  SWITCH,
  TEXT,
  wholeNumber,
  type Rules,
} from '../../core/option-rules';
import { ALARM_RULES } from './alarms';
import type { RunOptions } from './run-options';

const COUNT = wholeNumber(1);

/** What the options of a run must be. */
export const RUN_RULES: Rules<RunOptions<never>> = {
  signal: orNull(SIGNAL),
  onStep: orNull(FUNCTION),
  configuration: orNull(rule('an object', (value) => typeof value === 'object')),
  runDirectory: orNull(rule('the path of a folder', isName)),
  runName: orNull(rule('a name', isName)),
  resume: anyOf(SWITCH, rule("'auto' or the path of a run or checkpoint", isName)),
  checkpointEverySteps: orNull(COUNT),
  checkpointsKept: COUNT,
  bestMetric: orNull(TEXT),
  minImprovement: orNull(number({ least: 0 })),
  patience: orNull(COUNT),
  alarmLimits: orNull(section(ALARM_RULES)),
};

/** Options without those of the run, which say nothing of how weights are learned. */
export function withoutRunOptions<Options extends object>(
  options: Options,
): Omit<Options, keyof RunOptions<unknown>> {
  const kept = Object.entries(options).filter(([name]) => !(name in RUN_RULES));
  return Object.fromEntries(kept) as Omit<Options, keyof RunOptions<unknown>>;
}

/** The options of the run alone. */
export function runOptionsOf<Report>(options: RunOptions<Report>): RunOptions<Report> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in RUN_RULES));
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
