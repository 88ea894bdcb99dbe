import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeOldest, useCompiledStore } from '../../../sdk/src/tensorflow/compiled-store';

describe('useCompiledStore()', () => {
  let cache: string;
  beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'flowbook-store-'))));
  afterEach(() => rmSync(cache, { recursive: true }));

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
});
