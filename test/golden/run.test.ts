import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Comparison } from './comparison';

const REPOSITORY = join(__dirname, '..', '..');

function golden(...args: string[]) {
  const script = join(REPOSITORY, 'scripts', 'golden.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    cwd: REPOSITORY,
  });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

describe('npm run golden', () => {
  let root: string;

  const writeCase = (name: string, description: string) => {
    const path = join(root, 'cases', `${name}.json`);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, description);
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'golden-'));
  });

  afterEach(() => rmSync(root, { recursive: true }));

  it('counts what passes, fails and is skipped, and one broken case fails alone', () => {
    for (const family of ['windows', 'advantages']) {
      cpSync(join(__dirname, 'cases', family), join(root, 'cases', family), { recursive: true });
    }
    const [wrong] = JSON.parse(
      readFileSync(join(root, 'cases/windows/mixgrpo.json'), 'utf8'),
    ).subcases;
    writeCase(
      'windows/wrong',
      JSON.stringify({ subcases: [{ ...wrong, sde_window_range_after: [9, 9] }] }),
    );
    writeCase('advantages/broken', '{');
    writeCase('not_built/yet', '{}');
    const json = join(root, 'report.json');
    const { status, lines } = golden(root, '--json', json);
    assert.equal(lines.at(-1), '2 passed, 2 failed, 1 skipped');
    assert.equal(status, 1);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(Object.keys(report[0]), ['family', 'case', 'status', 'worst', 'tolerance']);
    assert.deepEqual(
      report.map((row: Record<string, string>) => `${row.family}/${row.case} ${row.status}`),
      [
        'advantages/broken failed',
        'advantages/grpo passed',
        'not_built/yet skipped',
        'windows/mixgrpo passed',
        'windows/wrong failed',
      ],
    );
  });

  it('refuses a root without cases', () => {
    const { status, stderr } = golden(root);
    assert.equal(status, 1);
    assert.match(stderr, /Cannot check golden cases as there is no cases\/\*\/\*\.json below/);
  });
});

describe('Comparison', () => {
  const tolerance = { atol: 0.1, rtol: 0 };
  const statusOf = (actual: number[], expected: number[]) => {
    const comparison = new Comparison();
    comparison.compare('x', actual, expected, tolerance);
    return comparison.result().status;
  };

  it('passes what is within its tolerance and fails what is not', () => {
    assert.equal(statusOf([1.05], [1]), 'passed');
    assert.equal(statusOf([1.2], [1]), 'failed');
    assert.equal(statusOf([1], [1, 2]), 'failed');
  });

  it('wants NaN for NaN and an infinity for the same infinity', () => {
    assert.equal(statusOf([NaN, Infinity, -Infinity], [NaN, Infinity, -Infinity]), 'passed');
    assert.equal(statusOf([0], [NaN]), 'failed');
    assert.equal(statusOf([NaN], [0]), 'failed');
    assert.equal(statusOf([Infinity], [-Infinity]), 'failed');
    assert.equal(statusOf([1e30], [Infinity]), 'failed');
  });

  it('reports the element that uses up most of its tolerance', () => {
    const comparison = new Comparison();
    comparison.compare('near', [1.01], [1], tolerance);
    comparison.compare('far', [1, 1.5], [1, 1], tolerance);
    const { status, worst, detail } = comparison.result();
    assert.deepEqual([status, worst], ['failed', 0.5]);
    assert.equal(detail, 'far differs in 1 of 2 values; worst is far');
  });
});
