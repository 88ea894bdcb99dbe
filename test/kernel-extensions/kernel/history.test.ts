import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { History } from '../../../kernel-extensions/src/kernel/server/history';
import { HistoryStore } from '../../../kernel-extensions/src/kernel/server/history-store';
import { temporaryFolder } from '../../setup/temporary-folder';

describe('History', () => {
  const history = new History();
  ['let a = 1', 'a + 1', 'a + 1', 'b (x)'].forEach((input, i) => history.add(i + 1, input));
  history.setOutput(2, '2');

  it('query() returns the tail, a range, and what matches a pattern', () => {
    const inputs = (query: Parameters<History['query']>[0]) =>
      history.query(query).map(([, line]) => line);
    assert.deepEqual(inputs({ hist_access_type: 'tail', n: 2 }), [3, 4]);
    assert.deepEqual(inputs({ hist_access_type: 'range', session: 0, start: 2, stop: 4 }), [2, 3]);
    assert.deepEqual(inputs({ hist_access_type: 'range', session: 7, start: 1 }), []);
    assert.deepEqual(inputs({ hist_access_type: 'search', pattern: 'a + ?' }), [2, 3]);
    assert.deepEqual(inputs({ hist_access_type: 'search', pattern: 'a*', unique: true }), [3]);
    assert.deepEqual(inputs({ hist_access_type: 'search', pattern: '*(x)' }), [4]);
  });

  it('query() pairs inputs with outputs when asked', () => {
    const [row] = history.query({ hist_access_type: 'range', start: 2, stop: 3, output: true });
    assert.deepEqual(row, [1, 2, ['a + 1', '2']]);
  });
});

describe('HistoryStore', () => {
  const folder = temporaryFolder();
  const path = () => join(folder.path, 'history');

  /** A kernel's history that ran these cells. */
  function session(...inputs: string[]): History {
    const history = new History(new HistoryStore(path()));
    inputs.forEach((input, i) => history.add(i + 1, input));
    return history;
  }

  it('query() finds earlier sessions, by number, from the end and by pattern', () => {
    session('let a = 1', 'a + 1').setOutput(2, '2');
    session('let b = 1');
    const now = session('let c = 1', 'a + 1');
    assert.deepEqual(now.query({ hist_access_type: 'tail', n: 4 }), [
      [1, 2, 'a + 1'],
      [2, 1, 'let b = 1'],
      [3, 1, 'let c = 1'],
      [3, 2, 'a + 1'],
    ]);
    const range = (number: number) =>
      now.query({ hist_access_type: 'range', session: number, output: true });
    const first = [
      [1, 1, ['let a = 1', null]],
      [1, 2, ['a + 1', '2']],
    ];
    assert.deepEqual(range(1), first);
    assert.deepEqual(range(-2), first);
    assert.deepEqual(range(0), range(3));
    assert.deepEqual(range(-9), range(0).slice(0, 0));
    const search = { hist_access_type: 'search', pattern: 'a*', n: 5 } as const;
    assert.equal(now.query(search).length, 2);
    assert.deepEqual(now.query({ ...search, unique: true }), [[3, 2, 'a + 1']]);
    assert.deepEqual(now.query({ ...search, n: 1 }), [[3, 2, 'a + 1']]);
  });

  it('gives kernels that run at once numbers of their own, and makes none for a kernel that ran nothing', () => {
    const [one, two] = [session(), session()];
    const before = readdirSync(path()).length;
    one.add(1, 'one');
    two.add(1, 'two');
    assert.equal(readdirSync(path()).length, before + 2);
    const [[first], [second]] = one.query({ hist_access_type: 'tail', n: 2 });
    assert.notEqual(first, second);
  });

  it('reads past lines that no kernel writes', () => {
    const own = join(folder.path, 'strange');
    const store = new HistoryStore(own);
    const number = store.begin();
    store.append({ line: 1, input: 'let a = 1' });
    const [file] = readdirSync(own);
    const strange = [
      '5',
      'null',
      '[]',
      '"text"',
      '{}',
      '{"line":"2","input":"x"}',
      '{"line":2,"input":7}',
    ];
    const more = [
      '{"line":2,"input":null,"output":"x"}',
      '{"line":1,"output":{}}',
      '{"__proto__":1}',
    ];
    appendFileSync(join(own, file), [...strange, ...more, ''].join('\n'));
    store.append({ line: 1, output: '1' });
    assert.deepEqual(new HistoryStore(own).read(number), [
      { session: number, line: 1, input: 'let a = 1', output: '1' },
    ]);
  });

  it('is for its user alone, and reads past a line that was cut off', () => {
    const [newest] = readdirSync(path()).sort().reverse();
    const file = join(path(), newest);
    assert.equal(statSync(file).mode & 0o077, 0);
    assert.equal(statSync(path()).mode & 0o077, 0);
    appendFileSync(file, '{"line":2,"inp');
    const rows = session('now').query({ hist_access_type: 'tail', n: 2 });
    assert.deepEqual(
      rows.map(([, , input]) => input),
      ['two', 'now'],
    );
  });

  it('keeps 1,000 sessions', () => {
    for (let n = 100; n < 1100; n++)
      writeFileSync(join(path(), `${String(n).padStart(6, '0')}.jsonl`), '');
    session('the newest');
    assert.equal(readdirSync(path()).length, 1000);
    assert.ok(readdirSync(path()).includes('001100.jsonl'));
  });

  it('a folder that cannot be written to does not stop a cell', () => {
    const history = new History(new HistoryStore('/dev/null/history'));
    history.add(1, '1');
    assert.deepEqual(history.query({ hist_access_type: 'tail', n: 9 }), [[1, 1, '1']]);
  });

  it("a program's kernel keeps none, wherever the user's own variable has it kept", async () => {
    const kept = join(folder.path, 'own');
    process.env.FLOWBOOK_HISTORY = kept;
    try {
      const kernel = await KernelClient.start();
      await kernel.execute('1 + 1');
      await kernel.shutdown();
    } finally {
      delete process.env.FLOWBOOK_HISTORY;
    }
    assert.equal(existsSync(kept), false);
  }).timeout(60_000);

  it('a kernel that was killed in a hung cell leaves its history to the next one', async () => {
    const env = { FLOWBOOK_HISTORY: join(folder.path, 'killed') };
    const hung = await KernelClient.start({ env });
    await hung.execute('let x = 6 * 7; x');
    const lost = hung.execute('for (;;) {}').catch(() => {});
    await new Promise((settle) => setTimeout(settle, 400));
    hung.kill();
    await lost;
    const next = await KernelClient.start({ env });
    const { content } = await next.request('shell', 'history_request', {
      hist_access_type: 'tail',
      n: 10,
      output: true,
      raw: true,
    });
    await next.shutdown();
    assert.deepEqual(content.history, [
      [1, 1, ['let x = 6 * 7; x', '42']],
      [1, 2, ['for (;;) {}', null]],
    ]);
  }).timeout(60_000);
});
