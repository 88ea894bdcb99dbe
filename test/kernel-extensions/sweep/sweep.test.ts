import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RandomKey } from '@flowbook/sdk';
import { gridPoints, parseAxis, randomPoints } from '../../../kernel-extensions/src/sweep/axes';
import { sweepCommand } from '../../../kernel-extensions/src/commands/sweep';
import { makePlan } from '../../../kernel-extensions/src/sweep/plan';
import { axesOf, readPoints } from '../../../kernel-extensions/src/sweep/points-file';
import { isLong } from '../../long-run';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');
const command = ['--import', tsx, path.join(__dirname, '../run-command.ts')];

function flowbook(...args: string[]) {
  return spawnSync(process.execPath, [...command, ...args], { encoding: 'utf8', cwd: root });
}

describe('axes of a sweep', () => {
  const workspace = new Workspace();
  after(() => workspace.remove());

  it('make a grid of every combination, the last axis fastest', () => {
    const axes = [parseAxis('lr', '1e-4,3e-4'), parseAxis('seed', '1..3')];
    assert.deepEqual(
      gridPoints(axes).map(({ lr, seed }) => `${lr} ${seed}`),
      ['1e-4 1', '1e-4 2', '1e-4 3', '3e-4 1', '3e-4 2', '3e-4 3'],
    );
    assert.deepEqual(gridPoints([parseAxis('rates', '1,2;3,4')]), [
      { rates: '1,2' },
      { rates: '3,4' },
    ]);
  });

  it('draw points within their ranges, log: by the logarithm', () => {
    const axes = [
      parseAxis('lr', 'log:1e-5..1e-3'),
      parseAxis('n', '1..4'),
      parseAxis('x', '-0.5..0.5'),
    ];
    const points = randomPoints(axes, 100, (point) => (point + 0.5) / 100);
    assert.equal(points.filter(({ lr }) => Number(lr) < 1e-4).length, 50);
    assert.deepEqual([...new Set(points.map(({ n }) => n))], ['1', '2', '3', '4']);
    assert.ok(points.every(({ x }) => Math.abs(Number(x)) <= 0.5));
  });

  it('are the names and values of a file that lists the runs', () => {
    const file = workspace.write(
      'points.yaml',
      '- lr: 1e-4\n  rates: [1, 2]\n- {lr: 3e-4, on: true}\n',
    );
    const points = readPoints(file);
    assert.deepEqual(points, [
      { lr: '0.0001', rates: '1,2' },
      { lr: '0.0003', on: 'true' },
    ]);
    assert.deepEqual(axesOf(points)[1], { name: 'rates', kind: 'list', values: ['1,2'] });
    for (const [text, message] of [
      ['lr: 1', 'as it must hold a list of names and values: current value is {"lr":1}'],
      ['[3]', 'as it must be names and values: current value is 3'],
      [
        '- {a: [x, "y,z"]}',
        'as it must be a value, or a list of values without commas: current value is ["x","y,z"]',
      ],
    ]) {
      assert.throws(
        () => readPoints(workspace.write('wrong.yaml', text)),
        (error: Error) => error.message.endsWith(message),
      );
    }
  });

  it('may be the seed that every script has, a whole number', async () => {
    const file = workspace.writeNotebook('n.ipynb', [{ id: 'a', source: 'Math.random()' }]);
    const out = workspace.path('out');
    const plan = (seeds: string) =>
      makePlan({ directory: out, isDefault: false }, file, [parseAxis('seed', seeds)], null, null);
    await assert.rejects(plan('1.5'), {
      message: 'Cannot sweep "seed" as it must be a whole number from 0: current value is 1.5',
    });
    const { runs } = (await plan('1..2')).plan;
    assert.deepEqual(
      runs.map(({ id }) => id),
      ['1-seed=1', '2-seed=2'],
    );
  });

  it('are not swept by no job at a time', async () => {
    const command = sweepCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    await assert.rejects(
      command.parseAsync(['n.ipynb', '-p', 'a=1', '--jobs', '0'], { from: 'user' }),
      /argument '0' is invalid\. It must be a whole number from 1\./,
    );
  });

  it('refuse what is no range, and ranges of numbers that are not whole in a grid', () => {
    assert.throws(() => parseAxis('n', '5..1'), {
      message: 'Cannot sweep "n" as a range must rise: current value is 5..1',
    });
    assert.throws(() => gridPoints([parseAxis('x', '0.1..0.9')]), {
      message:
        'Cannot sweep "x" as only ranges of whole numbers make a grid: use --random, or list the values',
    });
  });
});

describe('flowbook sweep', function () {
  this.timeout(300_000);
  const workspace = new Workspace();
  let notebook: string;
  before(() => {
    notebook = workspace.writeNotebook('nb/s.ipynb', [
      {
        id: 'settings',
        tags: ['parameters'],
        source: 'const lr: number = 1e-4;\nconst seed: number = 1;\nconst fail: boolean = false;',
      },
      {
        id: 'train',
        tags: ['checkpoint'],
        source:
          "import { appendFileSync } from 'node:fs'\nlet reward = 0\nfor (let step = 1; step <= 3; step++) {\n  reward += lr * seed * step\n  appendFileSync(process.env.FLOWBOOK_RUN_DIR + '/log.jsonl', JSON.stringify({ step, seconds: step, reward }) + '\\n')\n  await new Promise((resolve) => setTimeout(resolve, 50))\n}\nconsole.log('trained', reward)",
      },
      {
        id: 'end',
        source:
          "if (fail) throw new Error('asked to')\nawait new Promise((resolve) => setTimeout(resolve, 200))\n({ final: reward * 2 })".replace(
            '\n({',
            ';\n({',
          ),
      },
    ]);
  });
  after(() => workspace.remove());

  const axes = ['-p', 'lr=1e-4,3e-4,1e-3', '-p', 'seed=1..4'];

  const isDone = (out: string) => (id: string) => existsSync(path.join(out, id, 'results.jsonl'));
  const countDone = (out: string) =>
    existsSync(out) ? readdirSync(out).filter(isDone(out)).length : 0;

  /** Starts a sweep or goes on with it, and kills it a moment after so many runs are done. */
  async function killed(parameters: string[], out: string, done: number, waitMs: number) {
    const child = spawn(process.execPath, [...command, ...parameters], {
      cwd: root,
      stdio: 'ignore',
    });
    while (countDone(out) < done && child.exitCode === null) await wait(20);
    await wait(waitMs);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(child.signalCode, 'SIGKILL', `${countDone(out)} of 12 runs were done`);
  }

  for (let sweep = 1; sweep <= (isLong ? 14 : 1); sweep++) {
    it(`ends with the table of a sweep that was not stopped when it is killed at three random moments of 12 runs and resumed, ${sweep}`, async () => {
      const seed = isLong ? (Date.now() + sweep) % 2 ** 31 : 7;
      const out = workspace.path(`killed-${sweep}`);
      let parameters = ['sweep', notebook, ...axes, '--jobs', '2', '--out', out];
      for (let kill = 0; kill < 3; kill++) {
        const key = RandomKey.fromSeed(seed).fold('kill', kill);
        const done = 3 * kill + key.fold('runs').integer(0, 3);
        await killed(parameters, out, done, 400 * key.fold('wait').uniform());
        // A sweep that is killed before it has begun is begun anew.
        if (existsSync(path.join(out, 'sweep.json')))
          parameters = ['sweep', '--resume', out, '--jobs', '2'];
      }
      await checkResumed(out, parameters, `seed ${seed}`);
    });
  }

  async function checkResumed(out: string, parameters: string[], seed: string): Promise<void> {
    const doneBefore = readdirSync(out).filter((id) => {
      const record = path.join(out, id, 'script.json');
      return existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).state === 'done';
    });
    assert.ok(doneBefore.length < 12, seed);
    const { status, stdout, stderr } = flowbook(...parameters);
    assert.equal(status, 0, `${seed}: ${stderr}`);
    const [head, ...rows] = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/));
    assert.deepEqual(head, ['run', 'lr', 'seed', 'state', 'step', 'reward', 'final']);
    const expected = ['1e-4', '3e-4', '1e-3'].flatMap((lr) =>
      [1, 2, 3, 4].map((seed) => {
        const reward = Number(lr) * seed * 6;
        return [lr, seed, reward, 2 * reward];
      }),
    );
    assert.equal(rows.length, 12);
    for (const [index, [lr, seed, reward, final]] of expected.entries()) {
      const [run, ...cells] = rows[index];
      assert.equal(run, `${String(index + 1).padStart(2, '0')}-lr=${lr}-seed=${seed}`);
      const numbers = [Number(lr), seed, Number(reward), Number(final)].map((one) =>
        Number(Number(one).toPrecision(5)),
      );
      assert.deepEqual(cells, [
        String(numbers[0]),
        String(seed),
        'done',
        '3',
        ...numbers.slice(2).map(String),
      ]);
    }
    for (const run of doneBefore) {
      assert.ok(!stderr.includes(`${run} begins`), `${seed}: ${run} was done again`);
    }
    const page = readFileSync(path.join(out, 'index.html'), 'utf8');
    assert.match(page, /<svg/);
    if (!isLong) return;
    const whole = flowbook('sweep', notebook, ...axes, '--jobs', '2', '--out', `${out}-whole`);
    assert.equal(whole.stdout, stdout);
    const withoutTimes = (text: string) => text.replace(/<td>[\d.]+<\/td><\/tr>/g, '');
    assert.equal(
      withoutTimes(readFileSync(path.join(`${out}-whole`, 'index.html'), 'utf8')),
      withoutTimes(page),
    );
  }

  it('keeps failed runs of a list, with their error, tries them again, and exits with 1', () => {
    const out = workspace.path('failing');
    const { status, stdout, stderr } = flowbook(
      'sweep',
      notebook,
      '-f',
      workspace.write('runs.yaml', '- fail: false\n- fail: true\n'),
      '--retries',
      '1',
      '--out',
      out,
    );
    assert.equal(status, 1);
    assert.match(stdout, /^2-fail=true +true +failed/m);
    assert.match(
      stderr,
      /^2-fail=true Error in cell 3 \[end\], line 1 of s\.ipynb .*: Error: asked to$/m,
    );
    const record = JSON.parse(readFileSync(path.join(out, '2-fail=true', 'script.json'), 'utf8'));
    assert.equal(record.resumed, 1);
    // The first try's stays above that of the second.
    const ends = /"state":"done"[^]*"cell":"end","state":"failed"/.source;
    assert.match(
      readFileSync(path.join(out, '2-fail=true', 'stderr.log'), 'utf8'),
      new RegExp(`${ends}[^]*${ends.replace('done', 'restored')}`),
    );
  });

  it('draws points by a seed, and refuses what the notebook does not take', () => {
    const draw = (out: string, seed: string) =>
      flowbook(
        'sweep',
        notebook,
        '-p',
        'lr=log:1e-5..1e-3',
        '--random',
        '2',
        '--seed',
        seed,
        '--jobs',
        '2',
        '--out',
        workspace.path(out),
      ).stdout;
    const [one, same, other] = [draw('r1', '1'), draw('r2', '1'), draw('r3', '2')];
    assert.equal(one, same);
    assert.notEqual(one, other);
    const wrong = flowbook('sweep', notebook, '-p', 'rate=1', '--out', workspace.path('w'));
    assert.equal(wrong.status, 2);
    assert.equal(
      wrong.stderr,
      'Cannot sweep "rate" as the notebook\'s parameters are: lr, seed, fail\n',
    );
    assert.equal(existsSync(workspace.path('w')), false);
  });

  it('flowbook runs, attach and compare read its runs', () => {
    const whole = workspace.path('killed-1');
    const listed = flowbook('runs', whole);
    assert.match(listed.stdout, /^03-lr=1e-4-seed=3 +0\.0001 +3 +done +3 +0\.0018 +0\.0036$/m);
    const [a, b] = ['03-lr=1e-4-seed=3', '04-lr=1e-4-seed=4'].map((name) => path.join(whole, name));
    const attached = flowbook('attach', a);
    assert.equal(attached.status, 0);
    assert.match(
      attached.stdout,
      /^\[train\] [\d.]+ s\n\[end\] [\d.]+ s\nstep 1, reward 0\.0003\n[^]*done\n$/,
    );
    const compared = flowbook('compare', a, b, '-o', workspace.path('compare.html'));
    assert.match(compared.stdout, /^seed +3 +4$/m);
    assert.match(
      compared.stdout,
      /^04-lr=1e-4-seed=4 first printed something else in cell \[train\]$/m,
    );
    assert.ok(existsSync(workspace.path('compare.html')));
    assert.equal(flowbook('attach', workspace.path('nb')).status, 2);
    assert.equal(flowbook('compare', a, workspace.path('nb')).status, 2);
  });
});
