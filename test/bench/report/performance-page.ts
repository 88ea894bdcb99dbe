import type { BenchReport } from '../bench-report';
import { formatGrowth } from '../growth/growth-table';
import { formatTable, type JudgedRow } from '../table';
import { verdictOf } from '../targets';
import type { MachineReport, ShownRun } from './machine-report';

const NAMES: Record<string, string> = {
  node: 'Node',
  tensorflow: 'TensorFlow',
  python: 'Python',
  torch: 'PyTorch',
};

/** A machine's runs with its rows held against what they have to reach. */
export interface JudgedMachine extends MachineReport {
  judged: readonly JudgedRow[];
}

/** What a machine's pictures are called: the first one's 'performance-time', the second one's 'performance-time-2'. */
export function pictureName(kind: 'ratios' | 'time' | 'memory', machineAt: number): string {
  return `performance-${kind}${machineAt === 0 ? '' : `-${machineAt + 1}`}`;
}

/** docs/performance.md: each machine's runs, table and pictures, and how to read them. */
export function performancePage(machines: readonly JudgedMachine[]): string {
  const isQuick = machines.some(({ runs }) => runs.some(({ report }) => isQuickRun(report)));
  return `# How fast Flowbook is

Measured beside PyTorch by \`npm run bench\`. This page is written from the numbers of such runs:
\`npm run bench -- --json results.json\`, then \`npm run bench -- --write-report results.json\`; without a file it takes those in
\`test/bench/results\`. Much depends on the processor, so each machine has its own table, headed with the best rate that matrix
products reached on it, and below the table stands which run each row is from.

${machines.map(machineSection).join('\n')}
## How to read it

- **ratio** is PyTorch's time over Flowbook's, or PyTorch's peak memory over Flowbook's: above 1 Flowbook takes less.
- **floor** is what the row's matrix products alone take at the best rate that either side's products reach in the same run.
  Nothing can be faster without doing less. Of an iteration only the transformer's products count.
- **to reach**: the ratio that the row has to have. The first seven rows may instead be within 1.15 of the floor, and in
  either case they must not be slower than \`torch.compile\`.
- Times are medians of five samples.${isQuick ? QUICK_SAMPLES : ''}
- The sides take turns, and neither runs while the other is measured. Both have as many threads as there are cores.
- Before anything is timed, both sides' numbers are compared. A row whose numbers differ is not timed: the run stops.
- PyTorch runs as its users run it: evaluation mode, no gradients where none are needed, no attention mask where nothing is
  masked. Its allocator is told to keep what was freed (\`MALLOC_MMAP_THRESHOLD_\`, \`MALLOC_TRIM_THRESHOLD_\`), as page faults
  would otherwise take up to half of its time. Compilation counts on neither side.
- Memory is the most that was resident in a process which does nothing but that row's work: Node with the built package, or
  Python with what the row needs, its allocator left alone. "loaded" is what was resident before the first run. Flowbook's
  compiled graphs come from the user's cache, as in every process but the first.

## What the rows are

A mid-size Qwen-Image with random weights (6 layers, 8 heads of 64, 57 million parameters), float32, two pictures of 256 px,
prompts of 64 tokens. \`train-step\` replays one step with guidance, takes FlowGRPO's loss, clips, and updates adapters of rank 16.
\`rollout\` is ten denoising steps. \`iteration\` is the first notebook's training step on the tiny Qwen-Image of \`datasets/\`: 192
pictures rolled out, decoded, rated and learnt from; its reward is \`redness\`, which both sides compute alike. \`scheduler-*\` is one
step of a sampler on four pictures of 1,024 tokens.
`;
}

/** What a reader has to know of numbers from `--quick`. */
const QUICK_SAMPLES = ` Those of a quick run are medians of three where a run takes less than a second
  and a half, and **one sample** where it takes longer, which may be far off; \`torch.compile\` was not timed there.`;

/** Whether rows that have a floor lack torch.compile, which quick runs leave out. */
function isQuickRun({ rows }: BenchReport): boolean {
  return rows.some(({ floor_ms, compile_ms }) => floor_ms !== null && compile_ms === null);
}

function machineSection(
  { machine, runs, rows, judged, growth }: JudgedMachine,
  at: number,
): string {
  const names = rows.map(({ row }) => row);
  const { processor, cores, memory_gb, flowbook_gflops, eager_gflops } = machine;
  const count = (verdict: string) =>
    judged.filter(({ row, target }) => verdictOf(row, target) === verdict).length;
  const open = count('open') > 0 ? `; ${count('open')} could not be decided here` : '';
  const rate = (gflops: number | null) => (gflops === null ? 'not recorded' : `${gflops} GFLOP/s`);
  const peak =
    flowbook_gflops === null && eager_gflops === null
      ? null
      : Math.max(flowbook_gflops ?? 0, eager_gflops ?? 0);
  return `## ${processor}, ${rate(peak)}

${cores} cores, ${memory_gb} GB. Matrix products in Flowbook: ${rate(flowbook_gflops)}; in PyTorch: ${rate(eager_gflops)}.
${count('reached')} of ${judged.length} rows reach what they have to, ${count('short')} fall short${open}.

![Ratio of each row](${pictureName('ratios', at)}.png)

\`\`\`
${formatTable(judged)}\`\`\`

${describeRuns(runs, names)}
${growth === undefined ? '' : growthSection(growth, at)}`;
}

/** Which rows are from each run, and what it ran with; the software once where it is the same. */
function describeRuns(runs: readonly ShownRun[], all: readonly string[]): string {
  const software = runs.map(({ report }) => softwareOf(report));
  const isSame = software.every((one) => one === software[0]);
  const lines = runs.map(({ report, rows, growth }, at) => {
    const shown = [
      ...(rows.length > 0 ? [rowsOf(rows, all)] : []),
      ...(growth ? ['how it grows'] : []),
    ];
    const flowbook = `Flowbook ${report.versions.flowbook ?? '(commit not recorded)'}`;
    const ran = [
      ...(isQuickRun(report) ? ['a quick run'] : []),
      flowbook,
      ...(isSame ? [] : [software[at]]),
    ];
    return `- **${shown.join(', ')}**: ${[`${ran.join(', ')}.`, report.note ?? ''].join(' ').trimEnd()}`;
  });
  return [...lines, ...(isSame ? [`- Software: ${software[0]}.`] : [])].join('\n');
}

function softwareOf({ versions: { flowbook: _, ...others } }: BenchReport): string {
  const named = Object.entries(others).map(
    ([name, version]) => `${NAMES[name] ?? name} ${version.replace(/^v/, '')}`,
  );
  return named.length === 0 ? 'versions not recorded' : named.join(', ');
}

/** The rows by name, or all but some by the names of these where that is shorter. */
function rowsOf(rows: readonly string[], all: readonly string[]): string {
  const others = all.filter((name) => !rows.includes(name));
  const named = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
  if (others.length === 0) return 'all rows';
  return others.length < rows.length ? `all rows but ${named(others)}` : named(rows);
}

function growthSection(growth: NonNullable<BenchReport['growth']>, at: number): string {
  return `
### How it grows there

A forward pass, and one with gradients of the adapters, over the batch and over the picture. An exponent of 1 is linear
growth. Memory is what a run takes beyond the loaded model.

![Time over size](${pictureName('time', at)}.png)

![Memory over size](${pictureName('memory', at)}.png)

\`\`\`
${formatGrowth(growth)}\`\`\`
`;
}
