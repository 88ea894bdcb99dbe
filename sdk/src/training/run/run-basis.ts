import { showValue } from '../../core/show-value';
import { describeSettings } from './describe-settings';
import { describeVersions } from './run-record';

/** What a run's steps follow from, besides its seed and its data, as plain JSON. */
export interface RunBasis {
  /** The trainer's settings, as run.json has them. */
  settings: Record<string, unknown>;
  /** The model's configuration, as run.json has it. */
  model: Record<string, unknown>;
  versions: Record<string, string | null>;
}

type Section = Record<string, unknown>;

/** In words, and others once the size was measured. */
const MICRO_BATCH_REASON = 'settings.microBatchReason';
const MICRO_BATCH = ['settings.microBatchSize', MICRO_BATCH_REASON];

/** What a trainer's steps follow from now. */
export function describeBasis({
  settings,
  modelConfig,
}: {
  settings: Parameters<typeof describeSettings>[0];
  modelConfig: object;
}): RunBasis {
  return {
    settings: describeSettings(settings),
    model: JSON.parse(JSON.stringify(modelConfig)) as Section,
    versions: describeVersions(),
  };
}

/**
 * Where the basis of a checkpoint is another than now, each place in words. What the checkpoint does not say, as older ones do
 * not, is not compared.
 *
 * @example
 * const now = { settings: { learningRate: 0.01 }, model: {}, versions: {} };
 * differencesFrom({ settings: { learningRate: 0.001 } }, now); // ['settings.learningRate was 0.001, and is 0.01']
 */
export function differencesFrom(before: Partial<RunBasis>, now: RunBasis): string[] {
  // A micro-batch that was measured is the checkpoint's in any case.
  const left = now.settings.microBatchReason === 'auto' ? MICRO_BATCH : [MICRO_BATCH_REASON];
  return (['settings', 'model', 'versions'] as const).flatMap((name) => {
    const section = before[name];
    return section === undefined ? [] : differences(section, now[name], name, left);
  });
}

/**
 * Where the settings of a run are others than now, each in words; none are of one run. The size of micro-batches may have been
 * measured, and says nothing.
 */
export function settingsThatDiffer(before: Section, now: Section): string[] {
  return differences(before, now, 'settings', MICRO_BATCH);
}

function differences(before: unknown, now: unknown, at: string, left: readonly string[]): string[] {
  if (left.includes(at)) return [];
  if (isSection(before) && isSection(now)) {
    const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
    return names.flatMap((name) => differences(before[name], now[name], `${at}.${name}`, left));
  }
  if (JSON.stringify(before) === JSON.stringify(now)) return [];
  return [`${at} was ${showValue(before)}, and is ${showValue(now)}`];
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
