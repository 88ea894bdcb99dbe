import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleFiles } from '@flowbook/kernel-extensions';
import { codeOf } from '../../../kernel-extensions/src/commands/submit';
import { describeBundle } from '../../../kernel-extensions/src/cluster/launch/describe-bundle';
import { checkFlags } from '../../../kernel-extensions/src/cluster/launch/check-flags';
import { gridOf } from '../../../kernel-extensions/src/cluster/launch/grid';

const FLOWBOOK = join(__dirname, '../../../kernel-extensions/bin/flowbook.mjs');

describe('flowbook submit', function () {
  this.timeout(120_000);
  let project: string;

  function write(file: string, text = ''): void {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }

  function submit(...parameters: string[]) {
    const words = [FLOWBOOK, 'submit', ...parameters];
    return spawnSync(process.execPath, words, { cwd: project, encoding: 'utf8' });
  }

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'flowbook-submit-'));
    write('package.json', '{}');
    write(
      'run.mjs',
      "console.log(process.argv.slice(2).join(' ')); process.exit(process.argv.includes('--code=3') ? 3 : 0);",
    );
  });

  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('sends what git knows, without what it ignores and what looks like a secret', () => {
    execFileSync('git', ['init', '--quiet'], { cwd: project });
    write('.gitignore', 'runs/\nweights.bin\n');
    for (const file of ['runs/log', 'weights.bin', 'src/a.ts', 'tokenizer.json', 'data/tokens.csv'])
      write(file);
    const secrets = [
      '.env',
      '.env.local',
      '.npmrc',
      'keys/id_ed25519',
      'ray-token',
      'server.pem',
      'aws_credentials.json',
    ];
    for (const file of secrets) write(file);
    const sent = bundleFiles(project);
    assert.deepEqual(sent.files, [
      '.gitignore',
      'data/tokens.csv',
      'package.json',
      'run.mjs',
      'src/a.ts',
      'tokenizer.json',
    ]);
    assert.deepEqual(sent.secrets, [...secrets].sort());
    assert.deepEqual(sent.ignored, ['runs/', 'weights.bin']);
    const named = ['package.json', 'run.mjs', 'src/a.ts'];
    assert.deepEqual(bundleFiles(project, ['src', 'run.mjs']).files, named);
  });

  it('names links to folders, broken links and repositories within, which it does not send', () => {
    const git = (cwd: string, ...words: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
        cwd,
        stdio: 'ignore',
      });
    write('src/a.ts');
    write('gone.ts');
    write('inner/b.ts');
    symlinkSync('src', join(project, 'folder'));
    symlinkSync('none', join(project, 'broken'));
    symlinkSync('src/a.ts', join(project, 'file'));
    const all = [
      ['broken', 'a link that leads nowhere'],
      ['folder', 'a link to a folder'],
    ];
    assert.deepEqual([...bundleFiles(project).noFiles], all);
    for (const of of [join(project, 'inner'), project]) {
      git(of, 'init', '--quiet');
      git(of, 'add', '.');
      git(of, 'commit', '--quiet', '--message', 'all');
    }
    rmSync(join(project, 'gone.ts'));
    const sent = bundleFiles(project);
    assert.deepEqual([...sent.noFiles], [...all, ['inner', 'a git repository of its own']]);
    assert.deepEqual(sent.files, ['file', 'package.json', 'run.mjs', 'src/a.ts']);
  });

  it('keeps private keys and links to elsewhere at home, whatever they are called', () => {
    write('notes.txt', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA');
    write('.aws/config.txt');
    write('src/about-keys.md', 'A key begins with -----BEGIN PRIVATE KEY-----');
    const elsewhere = join(tmpdir(), `flowbook-elsewhere-${process.pid}`);
    writeFileSync(elsewhere, 'mine');
    try {
      symlinkSync(elsewhere, join(project, 'link'));
      symlinkSync('run.mjs', join(project, 'alias.mjs'));
      symlinkSync('src', join(project, 'folder'));
      execFileSync('git', ['init', '--quiet'], { cwd: project });
      const sent = bundleFiles(project);
      assert.deepEqual(sent.files, ['alias.mjs', 'package.json', 'run.mjs', 'src/about-keys.md']);
      assert.deepEqual(sent.secrets, ['.aws/config.txt', 'notes.txt']);
      assert.deepEqual(sent.outside, ['link']);
      rmSync(join(project, '.git'), { recursive: true });
      assert.deepEqual(bundleFiles(project).files, sent.files);
    } finally {
      rmSync(elsewhere);
    }
  });

  it('refuses what the notebook does not take before anything is sent', () => {
    const source = 'const lr: number = 1e-3;';
    const cell = { id: 'p', cell_type: 'code', metadata: { tags: ['parameters'] }, source };
    write(
      'n.ipynb',
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] }),
    );
    const check = (...runs: string[][]) => checkFlags(join(project, 'n.ipynb'), runs);
    check(['lr=1', 'seed=1'], ['lr=2', 'params=lr.yaml']);
    assert.throws(() => check(['lr=1'], ['lrr=2']), {
      message: 'Cannot submit with "lrr" as the notebook\'s parameters are: lr, seed',
    });
    for (const name of ['json', 'dry-run', 'dryRun', 'out']) {
      assert.throws(() => check([`${name}=true`]), {
        message: `Cannot submit with "${name}" as it is a flag that every script has, not one of the notebook's parameters`,
      });
    }
    for (const seed of ['1.5', '-1', '9007199254740993']) {
      assert.throws(() => check([`seed=${seed}`]), {
        message: `Cannot submit with "seed" as it must be a whole number from 0: current value is ${seed}`,
      });
    }
    assert.throws(() => check(['lr=fast']), {
      message: 'Cannot submit with "lr" as it must be a number: current value is fast',
    });
  });

  it('sends nothing that runs wrote, and no earlier bundle, unless it is named', () => {
    write('mine/script.json', '{"of": "my own"}');
    write('script.json', JSON.stringify({ state: 'done', parameters: {} }));
    write('out/1/script.json', JSON.stringify({ state: 'done', parameters: {} }));
    write('out/1/checkpoints/last/run.json', JSON.stringify({ state: 'finished' }));
    write('out/bundle/.flowbook-bundle');
    write('out/bundle/run.mjs');
    write('trained/run.json', JSON.stringify({ state: 'finished' }));
    write('trained/weights.safetensors');
    const own = ['mine/script.json', 'package.json', 'run.mjs', 'script.json'];
    const sent = bundleFiles(project);
    assert.deepEqual(sent.files, own);
    assert.deepEqual(sent.runs, ['out/1/', 'out/bundle/', 'trained/']);
    assert.deepEqual(bundleFiles(project, ['run.mjs', 'trained']).files, [
      'package.json',
      'run.mjs',
      'trained/run.json',
      'trained/weights.safetensors',
    ]);
  });

  it('refuses to include what is not there, or not in the project', () => {
    for (const path of ['none', '../x', '/etc/hostname']) {
      assert.throws(() => bundleFiles(project, [path]), {
        message: `Cannot include "${path}" as it must be a file or folder of the project that git does not ignore`,
      });
    }
    assert.deepEqual(bundleFiles(project, ['.']).files, ['package.json', 'run.mjs']);
  });

  it("runs a notebook of whose folder nothing else is sent, in the bundle's copy of that folder", () => {
    symlinkSync(join(__dirname, '../../../node_modules'), join(project, 'node_modules'));
    write('src/tool.ts', 'export const tool = (n: number): number => n + 1;\n');
    const source =
      "import { basename } from 'node:path';\nimport { tool } from '../src/tool';\nconsole.log(tool(1), basename(process.cwd()))";
    const cell = { id: 'a', cell_type: 'code', metadata: {}, source };
    write(
      'notebooks/a.ipynb',
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] }),
    );
    const flags = ['--on', 'local', '--include', 'src', '--out', 'runs/x'];
    const { status, stdout, stderr } = submit('notebooks/a.ipynb', ...flags);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^2 notebooks$/m);
  });

  it('says of a dry run what would be sent and run, without a cluster, and does nothing', () => {
    write('.env', 'TOKEN=1');
    for (const on of ['ray', 'slurm']) {
      const { status, stdout, stderr } = submit(
        ...['run.mjs', '--on', on, '--dry-run', '--each', 'lr=1,2', '--out', 'runs/x'],
      );
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^Sends 2 files, 104 bytes:\n/);
      assert.match(stderr, /^Does not send \.env, which looks like a secret$/m);
      const runs = stdout.trim().split('\n');
      assert.deepEqual(
        runs.map((line) => line.replace(/: .* run\.mjs/, ':')),
        [1, 2].map((one) => `${join(project, 'runs/x', String(one))}: --lr=${one}`),
      );
      assert.equal(existsSync(join(project, 'runs')), false);
    }
  });

  it('lists the script, and the one that a notebook becomes, whatever else stays', () => {
    execFileSync('git', ['init', '--quiet'], { cwd: project });
    write('.gitignore', 'mine.mjs\n');
    write('mine.mjs', '1');
    write('data/a.csv');
    write('jobs/secrets.js', 'token = 1');
    const cell = { id: 'a', cell_type: 'code', metadata: {}, source: '1' };
    write(
      'n.ipynb',
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] }),
    );
    const sent = (file: string, ...flags: string[]) => {
      const dry = ['--on', 'slurm', '--dry-run', '--out', 'runs/x'];
      const { status, stderr } = submit(file, ...dry, ...flags);
      assert.equal(status, 0, stderr);
      return stderr
        .replace(/^ *\d+ bytes {2}/gm, '')
        .trim()
        .split('\n');
    };
    assert.deepEqual(sent('mine.mjs', '--include', 'data'), [
      'Sends 3 files, 3 bytes:',
      ...['data/a.csv', 'mine.mjs', 'package.json'],
    ]);
    assert.deepEqual(sent('jobs/secrets.js').slice(1), [
      ...['.gitignore', 'data/a.csv', 'jobs/secrets.js', 'n.ipynb', 'package.json', 'run.mjs'],
      'Does not send what git ignores: mine.mjs',
    ]);
    assert.equal(
      sent('n.ipynb', '--include', 'data').at(-1),
      'Sends n.submitted.ts, which n.ipynb becomes',
    );
  });

  it('refuses a bundle that is too large, and names its largest files', () => {
    write('large.bin', 'x'.repeat(3000));
    const { status, stderr } = submit('run.mjs', '--on', 'local', '--most-mb', '0.002');
    assert.equal(status, 2);
    assert.equal(
      stderr,
      'Cannot send the bundle as it must have at most 2.0 kB (--most-mb): current value is 3.1 kB, with large.bin (3.0 kB), run.mjs (102 bytes), package.json (2 bytes); name what the run needs with --include\n',
    );
    assert.equal(submit('run.mjs', '--on', 'local', '--include', 'none').status, 2);
  });

  it('runs a script here for every combination of values', () => {
    const { status, stdout, stderr } = submit(
      'run.mjs',
      '--on',
      'local',
      '-p',
      'a=1',
      '--each',
      'lr=1e-4,3e-4',
      '--out',
      'runs/x',
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['--a=1 --lr=1e-4', '--a=1 --lr=3e-4']);
    assert.ok(existsSync(join(project, 'runs/x/bundle/run.mjs')));
    assert.match(
      stderr,
      /^Sends 2 files, 104 bytes:\n {3}2 bytes {2}package\.json\n 102 bytes {2}run\.mjs$/m,
    );
  });

  it('gives each of the submissions of one second a folder of its own', () => {
    const clock = join(project, 'node_modules/clock.cjs');
    write(
      'node_modules/clock.cjs',
      `const Time = Date; globalThis.Date = class extends Time { constructor(...given) { super(...(given.length > 0 ? given : [1e12])); } };`,
    );
    const folders = [1, 2].map(() => {
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--require', clock, FLOWBOOK, 'submit', 'run.mjs', '--on', 'local'],
        { cwd: project, encoding: 'utf8' },
      );
      assert.equal(status, 0, stderr);
      return /^A copy is in (.*)\/bundle$/m.exec(stderr)![1];
    });
    assert.match(folders[0], /\/runs\/2001090\d-\d{6}-run$/);
    assert.equal(folders[1], `${folders[0]}~2`);
    assert.ok(existsSync(join(folders[1], 'bundle/run.mjs')));
    assert.ok(existsSync(join(folders[1], 'output.log')));
  });

  it('ends with 1 when a run fails, and with 2 when it is used wrongly', () => {
    assert.equal(submit('run.mjs', '--on', 'local', '-p', 'code=3').status, 1);
    assert.equal(submit('none.mjs', '--on', 'local').status, 2);
    for (const wrong of [
      ['--on', 'moon'],
      ['--on', 'local', '--each', 'x'],
      ['--on', 'local', '-p', 'x'],
      [],
    ]) {
      assert.equal(submit('run.mjs', ...wrong).status, 2, wrong.join(' '));
    }
    const { stderr } = submit('run.mjs', '--on', 'ray', '--address', 'http://127.0.0.1:1');
    assert.match(
      stderr,
      /^Cannot submit on Ray as --address and --token-file must be given: current values are http:\/\/127\.0\.0\.1:1 and none$/m,
    );
  });
});

describe('describeBundle()', () => {
  it('names every file with its size, or the largest, and what is not sent', () => {
    const sizes = new Map([
      ['a', 999],
      ['b', 1_000],
      ['c', 2_500_000],
      ['d', 10],
    ]);
    const ignored = Array.from({ length: 12 }, (_, at) => `${at}/`);
    const sent = { files: [...sizes.keys()], sizes, bytes: 2_502_009, ignored, runs: ['out/'] };
    const left = {
      secrets: ['.env'],
      outside: ['l'],
      noFiles: new Map([['m', 'a link to a folder']]),
    };
    assert.deepEqual(describeBundle({ ...sent, ...left }, 2), [
      'Sends 4 files, 2.5 MB:',
      '    2.5 MB  c',
      '    1.0 kB  b',
      '  and 2 more, each of at most 999 bytes',
      'Does not send what git ignores: 0/, 1/, 2/, 3/, 4/, 5/, 6/, 7/, 8/, 9/ and 2 more',
      'Does not send what runs wrote: out/',
      'Does not send .env, which looks like a secret',
      'Does not send l, which leads out of the project',
      'Does not send m, which is a link to a folder',
    ]);
  });
});

describe('gridOf()', () => {
  it('counts like an odometer', () => {
    assert.deepEqual(gridOf([]), [[]]);
    assert.deepEqual(gridOf(['lr=1,2', 'seed=3..4']), [
      ['lr=1', 'seed=3'],
      ['lr=1', 'seed=4'],
      ['lr=2', 'seed=3'],
      ['lr=2', 'seed=4'],
    ]);
    assert.throws(() => gridOf(['lr']), {
      message: 'Cannot run each of "lr" as it must be name=value,value,... or name=first..last',
    });
  });
});

describe('codeOf()', () => {
  const end = (state: 'succeeded' | 'failed' | 'stopped' | 'lost', exitCode: number | null) => ({
    state,
    exitCode,
    detail: '',
  });

  it('is that of the runs together', () => {
    assert.equal(codeOf([end('succeeded', 0)], null), 0);
    assert.equal(codeOf([end('succeeded', 0), end('failed', 3)], null), 1);
    assert.equal(codeOf([end('lost', null)], null), 1);
    assert.equal(codeOf([end('stopped', 75), end('stopped', null)], 'SIGINT'), 75);
    assert.equal(codeOf([end('stopped', null)], 'SIGINT'), 130);
    assert.equal(codeOf([end('stopped', null)], 'SIGTERM'), 143);
  });
});
