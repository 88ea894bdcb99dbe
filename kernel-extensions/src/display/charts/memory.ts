import { formatBytes } from '@flowbook/sdk/format-bytes';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { refuse } from '../refuse';
import { isRecord, requireList } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import { groupNeighbours, meanOf } from './log-rows';

/** Memory at a moment; `readMemory()` takes it. */
export interface MemoryReading {
  /** Seconds since some beginning, or any other count that rises. */
  readonly at: number;
  /** Memory of the process that is in use, in bytes. */
  readonly processBytes: number;
  /** Of tensors, in bytes. */
  readonly tensorBytes?: number;
  readonly tensors?: number;
}

/** Options of `memory()`. */
export interface MemoryOptions {
  /** Memory that there is, in bytes: a dashed line. Default: not drawn. */
  limitBytes?: number;
  /** What the horizontal axis shows. Default 'seconds'. */
  atLabel?: string;
  title?: string;
}

/** What `readMemory()` needs of tfjs. */
interface TensorMemory {
  memory(): { numBytes: number; numTensors: number };
}

/**
 * Memory now: the process's, and the tensors' where `tf` of `@flowbook/sdk` is given.
 *
 * @param at seconds since some beginning.
 * @example
 * const readings = [readMemory(0), readMemory(1)];
 * const drawing = memory(readings);
 */
export function readMemory(at: number, tf?: TensorMemory): MemoryReading {
  const { numBytes, numTensors } = tf?.memory() ?? {};
  return {
    at,
    processBytes: process.memoryUsage.rss(),
    ...(numBytes !== undefined && { tensorBytes: numBytes }),
    ...(numTensors !== undefined && { tensors: numTensors }),
  };
}

const mostPoints = 600;
const series = { process: colour.blue, tensors: colour.vermilion };

const RULES: Rules<MemoryOptions> = {
  limitBytes: ANYTHING,
  atLabel: ANYTHING,
  title: ANYTHING,
};

/**
 * Memory over a run: the process's, the tensors', and their number. Tensors that are more at each reading than at the one
 * before are named as a likely leak.
 *
 * @param readings in the order in which they were taken, as of `readMemory()`.
 * @throws if there are no readings.
 * @example
 * const drawing = memory([
 *   { at: 0, processBytes: 3e8, tensorBytes: 1e7, tensors: 400 },
 *   { at: 1, processBytes: 4e8, tensorBytes: 1e7, tensors: 400 },
 * ]);
 */
export function memory(readings: readonly MemoryReading[], options: MemoryOptions = {}): Drawing {
  checkOptions('draw memory', options, RULES);
  const { limitBytes, atLabel = 'seconds', title = 'Memory' } = options;
  requireList('draw memory', 'readings { at, processBytes }', readings, isReading);
  if (readings.length === 0) refuse('draw memory', 'there must be at least one reading', 0);
  const last = readings[readings.length - 1];
  const greatest = readings.reduce((most, { processBytes }) => Math.max(most, processBytes), 0);
  const words = (reading: MemoryReading) => [
    `process ${formatBytes(reading.processBytes)}`,
    ...(reading.tensorBytes === undefined ? [] : [`tensors ${formatBytes(reading.tensorBytes)}`]),
    ...(reading.tensors === undefined ? [] : [plural(reading.tensors, 'tensor')]),
  ];
  const facts = [`at most ${formatBytes(greatest)}`, `last: ${words(last).join(', ')}`].join(
    '  ·  ',
  );
  const warnings = [
    ...leakWarning(readings),
    ...(limitBytes !== undefined && greatest > 0.9 * limitBytes
      ? [
          `${Math.round((100 * greatest) / limitBytes)} % of ${formatBytes(limitBytes)} were in use.`,
        ]
      : []),
  ];
  const points = groupNeighbours(readings, mostPoints).flatMap((group) => {
    const at = compact(meanOf(group.map((one) => one.at)));
    const most = (field: 'processBytes' | 'tensorBytes') =>
      Math.max(...group.map((one) => one[field] ?? -Infinity));
    return Object.entries({ process: most('processBytes'), tensors: most('tensorBytes') })
      .filter(([, bytes]) => Number.isFinite(bytes))
      .map(([name, bytes]) => ({
        at,
        series: name,
        gigabytes: compact(bytes / 1e9),
        size: formatBytes(bytes),
      }));
  });
  const shown = Object.entries(series).filter(([name]) =>
    points.some((one) => one.series === name),
  );
  const y = {
    field: 'gigabytes',
    type: 'quantitative',
    scale: { zero: true },
    axis: { title: 'gigabytes', tickCount: 5 },
  };
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `Line chart of memory over ${plural(readings.length, 'reading')}, ${facts}.`,
    },
    {
      width: chartWidth,
      height: 180,
      layer: [
        ...(limitBytes === undefined
          ? []
          : [
              {
                data: { values: [{ gigabytes: compact(limitBytes / 1e9) }] },
                mark: { type: 'rule', color: colour.muted, strokeDash: [4, 4] },
                encoding: { y },
              },
            ]),
        {
          data: { values: points },
          mark: {
            type: 'line',
            strokeWidth: 2,
            point: { filled: true, size: points.length > 200 ? 6 : 26 },
          },
          encoding: {
            x: {
              field: 'at',
              type: 'quantitative',
              scale: { zero: false, nice: false },
              axis: { title: atLabel, tickCount: 8 },
            },
            y,
            color: {
              field: 'series',
              type: 'nominal',
              scale: { domain: shown.map(([name]) => name), range: shown.map(([, hue]) => hue) },
              legend: { title: null, orient: 'top', direction: 'horizontal', symbolType: 'stroke' },
            },
            tooltip: [
              { field: 'series', title: 'memory of' },
              { field: 'at', title: atLabel },
              { field: 'size', title: 'in use' },
            ],
          },
        },
      ],
    },
  );
  const tail = readings.slice(-8).map((one) => `${format(one.at)}: ${words(one).join(', ')}`);
  const text = [`${title}: ${facts}`, ...warnings.map((line) => `⚠ ${line}`), ...tail];
  return new Drawing({ name: 'memory', spec, text: text.join('\n') });
}

function isReading(reading: MemoryReading): boolean {
  return (
    isRecord(reading) && typeof reading.at === 'number' && typeof reading.processBytes === 'number'
  );
}

/** Fewer readings than this prove nothing. */
const leastReadings = 5;

/** A cache that fills, as the one of prompts' embeddings, rises ever slower; a leak does not. */
function leakWarning(readings: readonly MemoryReading[]): string[] {
  const counts = readings.map(({ tensors }) => tensors ?? NaN);
  const rises = counts.slice(1).map((count, i) => count - counts[i]);
  if (counts.length < leastReadings || !rises.every((rise) => rise > 0)) return [];
  const third = Math.floor(rises.length / 3);
  const isSlowing = 2 * meanOf(rises.slice(-third)) < meanOf(rises.slice(0, third));
  if (isSlowing) return [];
  const more = counts[counts.length - 1] - counts[0];
  return [
    `Tensors became more with every reading, by ${format(more)} in all: some are not disposed.`,
  ];
}
