import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../setup/setup-module';
import { renderSvg } from '../../../kernel-extensions/src/display/rendering/render-svg';
import { flowbookVersion, saveReport, setRates, type BenchReport } from '../bench-report';
import type { GrowthPoint } from '../growth/growth-point';
import { describeProcessor, thisProcessor } from '../processor';
import { memoryRow, obstructedRow, timedRow } from '../statistics';
import { growthChart } from './growth-charts';
import { machineReports } from './machine-report';
import { performancePage } from './performance-page';
import { ratioChart } from './ratio-chart';
import { keptResults, readMachines } from './write-report';

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

  it('machineReports() orders rows as the table does, takes the last of each, and says which run it is from', () => {
    const again = { ...report, rows: [memoryRow('forward', 1, 2)], growth };
    const order = ['memory-rollout', 'forward', 'rollout-bf16'];
    const [merged, ...others] = machineReports([report, again], order);
    assert.equal(others.length, 0);
    assert.deepEqual(
      merged.rows.map(({ row, ratio }) => [row, ratio]),
      [
        ['memory-rollout', 0.75],
        ['forward', 2],
        ['rollout-bf16', null],
      ],
    );
    assert.deepEqual(
      merged.runs.map(({ rows: own, growth: grew }) => [own, grew]),
      [
        [['memory-rollout', 'rollout-bf16'], false],
        [['forward'], true],
      ],
    );
    assert.equal(merged.growth?.length, 4);
  });

  it('machineReports() keeps machines apart, with the best rates of each, and refuses none at all', () => {
    const quicker = {
      ...report,
      machine: { ...report.machine, flowbook_gflops: 120, eager_gflops: null },
    };
    const other = { ...report, machine: { ...report.machine, processor: 'Q' } };
    const machines = machineReports([report, other, quicker], ['forward']);
    assert.deepEqual(
      machines.map(({ machine }) => [
        machine.processor,
        machine.flowbook_gflops,
        machine.eager_gflops,
      ]),
      [
        ['P', 120, 100],
        ['Q', 90, 100],
      ],
    );
    assert.throws(() => machineReports([], []), /Cannot write a report as it needs a file/);
  });

  it('describeProcessor() tells processors of one name apart, and leaves a name as it is where nothing is known', () => {
    const cpuinfo =
      'vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fma avx2 avx512f\n';
    assert.equal(describeProcessor('AMD EPYC', cpuinfo), 'AMD EPYC (family 25, model 17, AVX-512)');
    assert.match(describeProcessor('P', cpuinfo.replace(' avx512f', '')), /model 17, AVX2\)$/);
    assert.equal(describeProcessor('Apple M2', ''), 'Apple M2');
    assert.ok(thisProcessor().length > 0);
  });

  const machinesOf = (...reports: BenchReport[]) =>
    machineReports(
      reports,
      rows.map(({ row }) => row),
    ).map((machine) => ({
      ...machine,
      judged: machine.rows.map((row) => ({ row, target: { ratio: 1 } })),
    }));

  it('performancePage() heads each machine with its best rate, counts goals, and shows growth where it was measured', () => {
    const page = performancePage(machinesOf(report));
    assert.match(page, /^## P, 100 GFLOP\/s$/m);
    assert.match(
      page,
      /^2 cores, 25 GB\. Matrix products in Flowbook: 90 GFLOP\/s; in PyTorch: 100/m,
    );
    assert.match(page, /1 of 3 rows reach what they have to, 1 fall short; 1 could not be decided/);
    assert.doesNotMatch(page, /How it grows/);
    assert.match(performancePage(machinesOf({ ...report, growth })), /performance-memory\.png/);
  });

  it('performancePage() says of which run a row is, at which commit, and what was not recorded', () => {
    const later: BenchReport = {
      note: 'Made later.',
      machine: { ...report.machine, flowbook_gflops: null, eager_gflops: null },
      versions: {},
      rows: [memoryRow('rollout-bf16', 1, 2)],
    };
    const page = performancePage(machinesOf(report, later));
    assert.match(
      page,
      /^- \*\*all rows but `rollout-bf16`\*\*: Flowbook 0\.1\.0 \(61460bf\), Node 20\.1\.0, PyTorch 2\.13\.0\.$/m,
    );
    assert.match(
      page,
      /^- \*\*`rollout-bf16`\*\*: Flowbook \(commit not recorded\), versions not recorded\. Made later\.$/m,
    );
  });

  it('performancePage() shows one machine after the other, each with pictures of its own', () => {
    const other = { ...report, machine: { ...report.machine, processor: 'Q' }, growth };
    const page = performancePage(machinesOf(report, other));
    assert.match(page, /^- Software: Node 20\.1\.0, PyTorch 2\.13\.0\.$/m);
    const [first, second] = page.split(/^## Q/m);
    assert.match(first, /performance-ratios\.png[^]*\*\*all rows\*\*/);
    assert.match(second, /performance-ratios-2\.png[^]*performance-time-2\.png/);
    assert.doesNotMatch(second, /performance-ratios\.png/);
  });

  it('performancePage() says that numbers of a quick run are few samples', () => {
    assert.match(performancePage(machinesOf(report)), /- Times are medians of five samples\.$/m);
    const quick = structuredClone(report);
    Object.assign(quick.rows[0], { floor_ms: 80, compile_ms: null });
    const page = performancePage(machinesOf(quick));
    assert.match(page, /^- \*\*all rows\*\*: a quick run, Flowbook 0\.1\.0 \(61460bf\)\.$/m);
    assert.match(page, /Those of a quick run[^]*\*\*one sample\*\* where it takes longer/);
  });

  it('docs/performance.md is what the kept results give', () => {
    const page = readFileSync(join(repository, 'docs', 'performance.md'), 'utf8');
    assert.equal(page, performancePage(readMachines(keptResults())));
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
