import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

interface BugReport {
  bugReport(facts: { version: string; checks: object[]; runs: string }): string;
}

describe('flowbook doctor --bug', () => {
  const folder = temporaryFolder();

  it("shows versions, checks, the newest run's configuration and the end of its log, and no secret", async () => {
    const { bugReport } = (await setupModule('doctor/bug-report.mjs')) as BugReport;
    const run = join(folder.path, '20260101-000000-a');
    mkdirSync(run);
    const secrets = [
      'hf_abcdefghijklmnop',
      'hunter2',
      'user:pass',
      'f'.repeat(48),
      'k=secretquery',
      'below-a-name',
      'in-a-list',
      'within-words',
      'AKIAABCDEFGHIJKLMNOP',
      'eyJhbGciOiJIUzI1NiJ9.e30.abc_d-e',
      'in-a-log',
      'cut-off-word',
    ];
    writeFileSync(
      join(run, 'run.json'),
      JSON.stringify({
        state: 'failed',
        error: `Cannot get ${homedir()}/model with Bearer ${secrets[0]}`,
        process: { pid: 1, host: hostname() },
        configuration: {
          learningRate: 0.5,
          tokenVariable: 'MY_TOKEN',
          password: secrets[1],
          headers: { 'x-api-key': secrets[5] },
          tokens: { each: [secrets[6]] },
          note: `MY_PASSWORD=${secrets[7]} and ${secrets[8]} and ${secrets[9]}`,
          reward: { url: `http://${secrets[2]}@127.0.0.1:1/score?${secrets[4]}` },
        },
      }),
    );
    const lines = Array.from({ length: 30 }, (_, step) =>
      JSON.stringify({ step, note: secrets[3], secretWord: secrets[10] }),
    );
    const torn = `{"step":30,"token":"${secrets[11]}`;
    writeFileSync(join(run, 'log.jsonl'), `${lines.join('\n')}\n${torn}`);
    const checks = [{ name: 'node', state: 'ok', detail: `in ${homedir()}/bin` }];
    const text = bugReport({ version: '1.2.3', checks, runs: folder.path });
    for (const part of ['Flowbook 1.2.3', '| node | ok |', '"learningRate": 0.5', '"step":29']) {
      assert.ok(text.includes(part), part);
    }
    assert.ok(!text.includes('"step":9,'), 'the end of the log alone');
    for (const secret of [...secrets, 'MY_TOKEN']) assert.ok(!text.includes(secret), secret);
    if (homedir().length > 4) assert.ok(!text.includes(homedir()));
    assert.match(
      bugReport({ version: '1', checks: [], runs: join(folder.path, 'none') }),
      /No run was found/,
    );
  });
});
