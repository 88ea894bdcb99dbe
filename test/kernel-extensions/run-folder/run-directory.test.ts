import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import {
  makeRunDirectory,
  wantedDirectory,
} from '../../../kernel-extensions/src/run-folder/run-directory';
import { readScriptCommand } from '../../../kernel-extensions/src/script/script-command';
import { newRecord, writeRecord } from '../../../kernel-extensions/src/script/script-record';

describe("a script's default folder", () => {
  const { argv } = process;
  const before = process.cwd();
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'flowbook-')));
    process.chdir(folder);
  });
  afterEach(() => {
    process.argv = argv;
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });

  /** A run of par.ts that begins at an hour of one day, and fails. */
  function failAt(hour: number, name = 'par'): string {
    const now = new Date(2026, 10, 23, hour, 5, 7);
    const directory = makeRunDirectory(wantedDirectory(undefined, name, now));
    const of = { notebook: `${name}.ipynb`, file: `${name}.ts`, parameters: {} };
    writeRecord(directory, { ...newRecord(of), state: 'failed' });
    return path.relative(folder, directory);
  }

  it('is the newest of its name when the clock was put back, and --resume goes on there', () => {
    assert.deepEqual(
      [failAt(9), failAt(8), failAt(8), failAt(8, 'other'), failAt(10)],
      [
        'runs/20261123-090507-par',
        'runs/20261123-090507-par~2',
        'runs/20261123-090507-par~3',
        'runs/20261123-080507-other',
        'runs/20261123-100507-par',
      ],
    );
    const last = failAt(9);
    assert.equal(last, 'runs/20261123-100507-par~2');
    process.argv = ['node', 'par.ts', '--resume'];
    const { directory, resume } = readScriptCommand('par.ts', 'par.ipynb', {});
    assert.deepEqual([path.relative(folder, directory), resume], [last, true]);
  });

  it('has the next number where another run was quicker', () => {
    failAt(9);
    const wanted = wantedDirectory(undefined, 'par', new Date(2026, 10, 23, 8));
    mkdirSync(wanted.directory);
    assert.equal(path.relative(folder, makeRunDirectory(wanted)), 'runs/20261123-090507-par~3');
  });
});
