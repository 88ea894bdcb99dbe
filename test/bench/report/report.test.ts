import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderSvg } from '../../../kernel-extensions/src/display/rendering/render-svg';
import { flowbookVersion, saveReport, setRates, type BenchReport } from '../bench-report';
import type { GrowthPoint } from '../growth/growth-point';
import { memoryRow, obstructedRow, timedRow } from '../statistics';
import { growthChart } from './growth-charts';
import { mergeReports } from './merge-reports';
import { performancePage } from './performance-page';
import { ratioChart } from './ratio-chart';

const rows = [
  timedRow('forward', { ours: [100], eager: [150], compile: [120] }),
  obstructedRow('rollout-bf16', 'none here'),
  memoryRow('memory-rollout', 800, 600),
];
const growth: GrowthPoint[] = [1, 2].flatMap((batch) =>
  [256, 1024].map((image_tokens) => ({
    work: 'forward',
    batch,
    image_tokens,
    flowbook_ms: batch * image_tokens,
    eager_ms: 2 * batch * image_tokens,
    flowbook_mb: 500 + image_tokens,
    eager_mb: 500 + image_tokens,
    flowbook_loaded_mb: 500,
    eager_loaded_mb: 400,
  })),
);
const report: BenchReport = {
  machine: { processor: 'P', cores: 2, memory_gb: 25, flowbook_gflops: 90, eager_gflops: 100 },
  versions: { flowbook: '0.1.0 (61460bf)', node: 'v20.1.0', torch: '2.13.0' },
  rows,
};
const judged = rows.map((row) => ({ row, target: { ratio: 1 } }));

describe('the benchmark’s report', () => {
  it('saveReport() writes machine, versions and rows, each row with the same keys', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-report-'));
    const file = join(folder, 'results.json');
    saveReport(file, report);
    const read = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
    rmSync(folder, { recursive: true });
    assert.deepEqual(Object.keys(read), ['machine', 'versions', 'rows']);
    const keys = ['row', 'flowbook_ms', 'eager_ms', 'compile_ms', 'floor_ms', 'ratio'];
    for (const row of read.rows) {
      const named = Object.keys(row).filter((key) => key !== 'note');
      assert.deepEqual(named, [...keys, 'flowbook_mb', 'eager_mb']);
    }
    assert.equal(read.rows[1].ratio, null);
  });

  it('flowbookVersion() names the version and the commit', () => {
    // An unpacked archive has no commit.
    assert.match(flowbookVersion(), /^\d+\.\d+\.\d+( \([0-9a-f]{7,}(-dirty)?\))?$/);
  });

  it('setRates() sets floors by the faster side’s products', () => {
    const changed = structuredClone(report);
    const entries = [{ name: 'forward', flops: () => 8e9 }, { name: 'memory-rollout' }];
    setRates(changed, { flowbook: 79.7, eager: 100 }, entries);
    assert.deepEqual(
      changed.rows.map(({ floor_ms }) => floor_ms),
      [80, null, null],
    );
    assert.equal(changed.machine.flowbook_gflops, 80);
  });

  it('mergeReports() orders rows as the table does, takes the last of each, and gathers growth', () => {
    const again = { ...report, rows: [memoryRow('forward', 1, 2)], growth };
    const merged = mergeReports([report, again], ['memory-rollout', 'forward', 'rollout-bf16']);
    assert.deepEqual(
      merged.rows.map(({ row, ratio }) => [row, ratio]),
      [
        ['memory-rollout', 0.75],
        ['forward', 2],
        ['rollout-bf16', null],
      ],
    );
    assert.equal(merged.growth?.length, 4);
  });

  it('mergeReports() refuses results of another machine, and none at all', () => {
    const other = { ...report, machine: { ...report.machine, processor: 'Q' } };
    assert.throws(() => mergeReports([report, other], []), /must come from one machine/);
    assert.throws(() => mergeReports([], []), /Cannot write a report as it needs a file/);
  });

  it('performancePage() describes the machine, counts goals, and shows growth where it was measured', () => {
    const page = performancePage(report, judged);
    assert.match(page, /\*\*Machine:\*\* P, 2 cores, 25 GB\./);
    assert.match(page, /Flowbook 0\.1\.0 \(61460bf\), Node 20\.1\.0, PyTorch 2\.13\.0\./);
    assert.match(page, /1 of 3 rows reach what they have to, 1 fall short; 1 could not be decided/);
    assert.doesNotMatch(page, /How it grows/);
    assert.match(performancePage({ ...report, growth }, judged), /performance-memory\.png/);
  });

  it('performancePage() says that numbers of a quick run are few samples', () => {
    assert.match(performancePage(report, judged), /- Times are medians of five samples\./);
    const quick = structuredClone(report);
    Object.assign(quick.rows[0], { floor_ms: 80, compile_ms: null });
    const page = performancePage(quick, judged);
    assert.match(page, /^From a quick run: 1 of 3 rows/m);
    assert.match(page, /\*\*one\s+sample\*\* where it takes longer/);
    assert.doesNotMatch(page, /medians of five/);
  });

  it('charts render without a complaint of Vega’s', async () => {
    for (const drawing of [
      ratioChart(judged),
      growthChart(growth, 'time'),
      growthChart(growth, 'memory'),
    ]) {
      const { svg, warnings } = await renderSvg(drawing.spec);
      assert.deepEqual(warnings, [], drawing.name);
      assert.match(svg, /^<svg/);
    }
  });
});
