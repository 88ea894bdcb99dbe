import { formatBytes } from '../core/format-bytes';
import type { ComponentReport, MemoryNeed, ModelReport } from './model-report';

const NOTHING = '-';

/** Rows of the memory table, with those that are estimates. */
const PURPOSES: readonly [key: keyof MemoryNeed, title: string][] = [
  ['weights', 'weights'],
  ['adapters', 'adapters'],
  ['gradients', 'gradients'],
  ['moments', "AdamW's moments"],
  ['average', 'moving average'],
  ['weightCopies', 'copies of weights (estimate)'],
  ['activations', 'activations (estimate)'],
  ['total', 'total'],
];

/**
 * A report as text, in tables that align.
 *
 * @example
 * console.log(formatModelReport(await inspectModel('datasets/tiny-qwen-image')));
 */
export function formatModelReport(report: ModelReport): string {
  const parts = [
    [report.path, report.className ?? report.kind].join('  '),
    componentTable(report.components),
    loraLine(report),
    ...remarks(report),
    ...(report.kind === 'lora' || report.kind === 'weights' ? [] : [memoryTable(report)]),
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

/**
 * A number of parameters for people.
 *
 * @example
 * formatCount(20_430_401_088); // '20.43 B'
 */
export function formatCount(count: number): string {
  const [size, unit] = (
    [
      [1e9, 'B'],
      [1e6, 'M'],
      [1e3, 'k'],
    ] as const
  ).find(([size]) => count >= size) ?? [1, ''];
  return size === 1 ? String(count) : `${(count / size).toFixed(2)} ${unit}`;
}

function componentTable(components: readonly ComponentReport[]): string {
  const rows = components.map((component) => {
    const { name, className, parameters, dtypes, files, diskBytes, loadedBytes } = component;
    const hasWeights = files.length > 0;
    return [
      name,
      className ?? NOTHING,
      hasWeights ? formatCount(parameters) : NOTHING,
      Object.keys(dtypes).join(' ') || NOTHING,
      hasWeights ? String(files.length) : NOTHING,
      hasWeights ? formatBytes(diskBytes) : NOTHING,
      hasWeights ? formatBytes(loadedBytes) : NOTHING,
    ];
  });
  const sum = (key: 'parameters' | 'diskBytes' | 'loadedBytes') =>
    components.reduce((total, component) => total + component[key], 0);
  const files = components.reduce((total, component) => total + component.files.length, 0);
  const total = [
    'total',
    '',
    formatCount(sum('parameters')),
    '',
    String(files),
    formatBytes(sum('diskBytes')),
    formatBytes(sum('loadedBytes')),
  ];
  const head = ['component', 'class', 'parameters', 'stored as', 'files', 'on disk', 'in memory'];
  return table([head, ...rows, ...(components.length > 1 ? [total] : [])], [2, 4, 5, 6]);
}

function loraLine({ lora }: ModelReport): string | null {
  if (lora === null) return null;
  const form =
    lora.form === 'other'
      ? 'of another form'
      : `in ${lora.form === 'PEFT' ? "PEFT's" : "diffusers'"} form`;
  return `adapter ${form}: ${lora.layers} layers of rank ${lora.ranks.join(', ')}: ${lora.targets.join(', ')}`;
}

function remarks({ components }: ModelReport): string[] {
  return components.flatMap(({ name, className, isKnown, problem, files }) => {
    if (problem !== null) return [`${name} would not load: ${problem}`];
    if (isKnown || className === null || files.length === 0) return [];
    return [`${name}: Flowbook does not load ${className}; its numbers are those of the headers`];
  });
}

function memoryTable({ memory }: ModelReport): string {
  const { height, width, batch, textTokens, rank, targetModules, inference, lora, full } = memory;
  const targets = typeof targetModules === 'string' ? targetModules : targetModules.join(' ');
  const columns: [string, MemoryNeed][] = [['inference', inference]];
  if (lora !== null) columns.push([`LoRA, rank ${rank}`, lora]);
  if (full !== null) columns.push(['full training', full]);
  const rows = PURPOSES.filter(([key]) => columns.some(([, need]) => need[key])).map(
    ([key, title]) => [
      title,
      ...columns.map(([, need]) => (need[key] ? formatBytes(need[key]) : NOTHING)),
    ],
  );
  const pictures = batch === 1 ? '1 picture' : `${batch} pictures`;
  const lines = [
    memory.dtype === 'bfloat16'
      ? 'memory, with matrices of transformer and text encoders in bfloat16'
      : 'memory, with float32 throughout',
    table(
      [['', ...columns.map(([title]) => title)], ...rows],
      columns.map((_, index) => index + 1),
    ),
    '',
    inference.activations === null
      ? 'Activations are not estimated and not in the total, as the model has no transformer that Flowbook loads.'
      : `Activations are estimated from shapes, without compile(), for ${pictures} of ${width} x ${height} and ${textTokens} text tokens.`,
    ...(lora === null
      ? []
      : [`LoRA is ${targets}: ${lora.layers} layers, ${formatCount(lora.parameters)} parameters.`]),
  ];
  return lines.join('\n');
}

/** Columns two spaces apart; those in `right` end at the same place. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
