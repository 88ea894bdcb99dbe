import type { BenchReport } from '../bench-report';
import { formatGrowth } from '../growth/growth-table';
import { formatTable, type JudgedRow } from '../table';
import { verdictOf } from '../targets';

const NAMES: Record<string, string> = {
  flowbook: 'Flowbook',
  node: 'Node',
  tensorflow: 'TensorFlow',
  python: 'Python',
  torch: 'PyTorch',
};

/** What a reader has to know of numbers from `--quick`. */
const QUICK_SAMPLES = `Times come from a run with \`--quick\`: medians of three samples where a run takes less than a second and a half, and **one
  sample** where it takes longer, which may be far off. \`torch.compile\` was not timed.`;

/** Whether rows that have a floor lack torch.compile, which quick runs leave out. */
function isQuick({ rows }: BenchReport): boolean {
  return rows.some(({ floor_ms, compile_ms }) => floor_ms !== null && compile_ms === null);
}

/** docs/performance.md: the machine, the table, the pictures, and how to read them. */
export function performancePage(report: BenchReport, judged: readonly JudgedRow[]): string {
  const { machine, versions, growth } = report;
  const count = (verdict: string) =>
    judged.filter(({ row, target }) => verdictOf(row, target) === verdict).length;
  const software = Object.entries(versions)
    .map(([name, version]) => `${NAMES[name] ?? name} ${version.replace(/^v/, '')}`)
    .join(', ');
  const open = count('open') > 0 ? `; ${count('open')} could not be decided here` : '';
  return `# How fast Flowbook is

Measured beside PyTorch on one machine, in one run, by \`npm run bench\`. This page is written from the numbers of such a
run: \`npm run bench -- --json results.json\`, then \`npm run bench -- --write-report results.json\`.

**Machine:** ${machine.processor}, ${machine.cores} cores, ${machine.memory_gb} GB. Matrix products reach
${machine.flowbook_gflops} GFLOP/s in Flowbook and ${machine.eager_gflops} in PyTorch.
**Software:** ${software}.

${isQuick(report) ? 'From a quick run: ' : ''}${count('reached')} of ${judged.length} rows reach what they have to, ${count('short')} fall short${open}.

![Ratio of each row](performance-ratios.png)

\`\`\`
${formatTable(judged)}\`\`\`

## How to read it

- **ratio** is PyTorch's time over Flowbook's, or PyTorch's peak memory over Flowbook's: above 1 Flowbook takes less.
- **floor** is what the row's matrix products alone take at the best rate that either side's products reach in the same run.
  Nothing can be faster without doing less. Of an iteration only the transformer's products count.
- **to reach**: the ratio that the row has to have. The first seven rows may instead be within 1.15 of the floor, and in
  either case they must not be slower than \`torch.compile\`.
- ${isQuick(report) ? QUICK_SAMPLES : 'Times are medians of five samples.'}
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
\`rollout\` is ten denoising steps. \`iteration\` is the first notebook's training step on the tiny checkpoint of \`datasets/\`: 192
pictures rolled out, decoded, rated and learnt from; its reward is \`redness\`, which both sides compute alike. \`scheduler-*\` is one
step of a sampler on four pictures of 1,024 tokens.
${growth === undefined ? '' : growthSection(growth)}`;
}

function growthSection(growth: NonNullable<BenchReport['growth']>): string {
  return `
## How it grows

A forward pass, and one with gradients of the adapters, over the batch and over the picture. An exponent of 1 is linear
growth. Memory is what a run takes beyond the loaded model.

![Time over size](performance-time.png)

![Memory over size](performance-memory.png)

\`\`\`
${formatGrowth(growth)}\`\`\`
`;
}
