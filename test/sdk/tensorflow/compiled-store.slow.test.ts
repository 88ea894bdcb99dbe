import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  removeDamaged,
  removeOldest,
  useCompiledStore,
} from '../../../sdk/src/tensorflow/compiled-store';
import { findChanged } from '../../../sdk/src/tensorflow/stored-checksums';

describe('useCompiledStore()', () => {
  let cache: string;
  beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'flowbook-store-'))));
  afterEach(() => {
    rmSync(cache, { recursive: true });
    rmSync(`${cache}.checksums.json`, { force: true });
  });

  it('names a private folder of the cache to XLA, beside the flags that were there', () => {
    const environment: NodeJS.ProcessEnv = { FLOWBOOK_CACHE: cache, TF_XLA_FLAGS: '--one' };
    useCompiledStore(environment);
    const [, folder] = /^--one --tf_xla_persistent_cache_directory=(.+)$/.exec(
      environment.TF_XLA_FLAGS as string,
    ) as RegExpExecArray;
    assert.ok(folder.startsWith(join(cache, 'compiled')) && existsSync(folder));
  });

  it('stays out where it is told to, where another store is named, and of folders with spaces', () => {
    for (const environment of [
      { FLOWBOOK_CACHE: cache, FLOWBOOK_COMPILED_STORE: 'off', TF_XLA_FLAGS: '' },
      { FLOWBOOK_CACHE: cache, TF_XLA_FLAGS: '--tf_xla_persistent_cache_directory=/other' },
      { FLOWBOOK_CACHE: join(cache, 'a b'), TF_XLA_FLAGS: '' },
    ] as NodeJS.ProcessEnv[]) {
      const before = environment.TF_XLA_FLAGS;
      useCompiledStore(environment);
      assert.equal(environment.TF_XLA_FLAGS, before);
    }
  });

  it('removes what was not used for longest when there is too much', () => {
    for (const [at, name] of ['old', 'middle', 'new'].entries()) {
      writeFileSync(join(cache, name), Buffer.alloc(100));
      utimesSync(join(cache, name), 1000 + at, 1000 + at);
    }
    removeOldest(cache, 250);
    assert.deepEqual(
      ['old', 'middle', 'new'].map((name) => existsSync(join(cache, name))),
      [false, true, true],
    );
  });

  it('removes files that are no whole message, and no other', () => {
    const field = (number: number, length: number) =>
      Buffer.concat([
        Buffer.from([number * 8 + 2, (length & 0x7f) | 0x80, length >> 7]),
        Buffer.alloc(length, 7),
      ]);
    const whole = Buffer.concat([field(1, 60), field(2, 700), field(3, 900)]);
    const files: Record<string, Buffer> = {
      'whole.pb': whole,
      'empty.pb': Buffer.alloc(0),
      'zeros.pb': Buffer.alloc(whole.length),
      'cut.pb': whole.subarray(0, 1000),
      'cut-length.pb': whole.subarray(0, 63 + 2),
      'two-fields.pb': whole.subarray(0, 63 + 703),
      'longer.pb': Buffer.concat([whole, Buffer.from([0])]),
      'half-written.pb.tmp': whole.subarray(0, 9),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(cache, name), bytes);
    const damaged = removeDamaged(cache).sort();
    assert.deepEqual(damaged, [
      'cut-length.pb',
      'cut.pb',
      'empty.pb',
      'longer.pb',
      'two-fields.pb',
      'zeros.pb',
    ]);
    assert.deepEqual(readdirSync(cache).sort(), ['half-written.pb.tmp', 'whole.pb']);
  });

  it('removes files that hold something else than when they were first seen, whatever their times say', () => {
    const folder = join(cache, 'key');
    mkdirSync(folder);
    const field = (number: number, value: number) => [number * 8 + 2, 1, value];
    const names = ['a.pb', 'b.pb', 'c.pb'];
    const write = (name: string, value: number) =>
      writeFileSync(
        join(folder, name),
        Buffer.from([...field(1, value), ...field(2, 7), ...field(3, 7)]),
      );
    names.forEach((name) => write(name, 7));
    assert.deepEqual(removeDamaged(folder), []);
    assert.deepEqual(removeDamaged(folder), []);
    const { atime, mtime } = statSync(join(folder, 'b.pb'));
    write('b.pb', 6);
    utimesSync(join(folder, 'b.pb'), atime, mtime);
    assert.deepEqual(removeDamaged(folder), ['b.pb']);
    assert.deepEqual(readdirSync(folder).sort(), ['a.pb', 'c.pb']);
    // Compiled anew, it is a new file.
    write('b.pb', 5);
    assert.deepEqual(removeDamaged(folder), []);
    write('b.pb', 4);
    assert.deepEqual(removeDamaged(folder), ['b.pb']);
    writeFileSync(`${folder}.checksums.json`, '[');
    assert.deepEqual(removeDamaged(folder), []);
  });

  it('reads what a store holds in turn when it is large', () => {
    const folder = join(cache, 'key');
    mkdirSync(folder);
    const record = join(cache, 'sums.json');
    for (const name of ['a.pb', 'b.pb', 'c.pb']) writeFileSync(join(folder, name), '0123456789');
    // 20 bytes are two files.
    const look = () => findChanged(folder, record, { mostRead: 20 });
    for (let start = 0; start < 2; start++) assert.deepEqual(look(), []);
    for (const name of ['a.pb', 'b.pb', 'c.pb']) writeFileSync(join(folder, name), '0123456788');
    const first = look();
    assert.deepEqual(first, ['b.pb', 'c.pb']);
    for (const name of first) rmSync(join(folder, name));
    assert.deepEqual(look(), ['a.pb']);
  });

  it('gives the same bits from a graph compiled anew, one from the store, one whose file was cut off, and one of whose bytes was flipped', () => {
    const run = () => {
      const program = join(__dirname, 'compiled-in-process.ts');
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ['--import', createRequire(__filename).resolve('tsx'), program],
        { encoding: 'utf8', env: { ...process.env, FLOWBOOK_CACHE: cache, TF_XLA_FLAGS: '' } },
      );
      assert.equal(status, 0, stderr);
      return { stdout, stderr };
    };
    const stored = () => {
      const [key] = readdirSync(join(cache, 'compiled')).filter((name) => !name.includes('.'));
      const [name, ...others] = readdirSync(join(cache, 'compiled', key));
      assert.deepEqual(others, []);
      return join(cache, 'compiled', key, name);
    };
    const anew = run();
    assert.match(anew.stdout, /^[0-9a-f]{584}\n$/);
    const file = stored();
    const writtenAt = statSync(file).mtimeMs;
    const bytes = readFileSync(file);
    assert.deepEqual(run(), anew);
    assert.equal(statSync(stored()).mtimeMs, writtenAt);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 100] ^= 1;
    for (const damage of [() => writeFileSync(file, flipped), () => truncateSync(file, 500)]) {
      damage();
      const { stdout, stderr } = run();
      assert.equal(stdout, anew.stdout);
      assert.match(
        stderr,
        /^flowbook: compiles 1 stored graphs anew, as files in .+ were cut off or changed\n$/,
      );
      assert.equal(stored(), file);
      assert.equal(readFileSync(file).length, bytes.length);
    }
  }).timeout(180_000);
});
