import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleFiles } from '@flowbook/kernel-extensions';
import { codeOf } from '../../../kernel-extensions/src/commands/submit';
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
    assert.deepEqual(bundleFiles(project, ['src', 'run.mjs']).files, ['run.mjs', 'src/a.ts']);
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
    assert.match(stderr, /Sends 2 files, 0\.0 MB/);
  });

  it('ends with 1 when a run fails, and with 2 when it is used wrongly', () => {
    assert.equal(submit('run.mjs', '--on', 'local', '-p', 'code=3').status, 1);
    assert.equal(submit('none.mjs', '--on', 'local').status, 1);
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
