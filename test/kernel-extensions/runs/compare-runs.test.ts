import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareRuns } from '../../../kernel-extensions/src/runs/compare-runs';
import { pageFile } from '../../../kernel-extensions/src/script/run-page';
import { newRecord, writeRecord } from '../../../kernel-extensions/src/script/script-record';
import { RUN_RECORD } from '../../trust/run-record';

describe('compareRuns()', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-compare-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes a script and a training that no script runs, and links to the pages that there are', async () => {
    const [script, training] = ['script', 'training'].map((name) => join(folder, name));
    for (const directory of [script, training]) mkdirSync(directory);
    const record = newRecord({ notebook: 'a.ipynb', file: 'a.ts', parameters: { steps: 2 } });
    writeRecord(script, { ...record, state: 'done', exitCode: 0 });
    writeFileSync(join(script, pageFile), 'its page');
    writeFileSync(
      join(training, 'run.json'),
      JSON.stringify({ ...RUN_RECORD, state: 'stopped-early' }),
    );
    const page = join(folder, 'page.html');
    const [out, error] = [process.stdout.write, process.stderr.write];
    let printed = '';
    process.stdout.write = (text: string | Uint8Array) => (printed += String(text)) !== '';
    process.stderr.write = () => true;
    try {
      assert.equal(await compareRuns([script, training], page), 0);
    } finally {
      [process.stdout.write, process.stderr.write] = [out, error];
    }
    assert.match(printed, /^state +done +done$/m);
    assert.doesNotMatch(printed, /printed/);
    const html = readFileSync(page, 'utf8');
    const links = [...html.matchAll(/<a href="([^"]*)">/g)].map(([, target]) => target);
    assert.deepEqual(links, ['./script/index.html']);
    assert.match(html, /<td>training<\/td>/);
  });
});
