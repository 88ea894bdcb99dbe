import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

interface BugReport {
  bugReport(facts: { version: string; checks: object[]; runs: string }): string;
}

interface Secrets {
  withoutSecrets(text: string): string;
  plainValue(value: unknown): unknown;
}

const secretsModule = async () => (await setupModule('doctor/without-secrets.mjs')) as Secrets;

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

  it('says of a run.json that is none what is wrong, and shows the beginning of a long one', async () => {
    const { bugReport } = (await setupModule('doctor/bug-report.mjs')) as BugReport;
    const runs = join(folder.path, 'damaged');
    mkdirSync(runs);
    const reportOf = (text: string) => {
      writeFileSync(join(runs, 'run.json'), text);
      return bugReport({ version: '1', checks: [], runs });
    };
    assert.match(reportOf('{"state":'), /run\.json cannot be read: .*JSON/);
    for (const text of ['null', '[1]', '"a"', '7']) {
      assert.match(reportOf(text), /run\.json cannot be read: it holds no JSON object/, text);
    }
    assert.ok(reportOf('{"__proto__":{"a":1},"step":1e999}').includes('"step": null'));
    const long = reportOf(JSON.stringify({ step: 3, note: 'word '.repeat(1e6) }));
    assert.ok(long.includes('"step": 3') && long.length < 60_000);
    assert.match(long, /\(49500\d\d more characters are left out\)/);
  });

  it('leaves out keys of services, passwords and private keys, wherever a text has them', async () => {
    const { withoutSecrets } = await secretsModule();
    const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
    const texts: readonly (readonly [text: string, ...secrets: string[]])[] = [
      ['with github_pat_11MADEUP_abcdefgh0123', 'MADEUP', 'abcdefgh'],
      ['my_glpat-madeupmadeup', 'madeup'],
      ['npm_madeupmadeupmadeup01', 'madeup'],
      ['AIzaSyMadeUp-madeup0123', 'MadeUp'],
      ['ya29.a0madeup_madeup', 'madeup'],
      ['xoxe-1-madeupmadeup and xoxe.xoxp-1-madeupmadeup', 'madeup'],
      ['ASIAMADEUPMADEUP0123', 'MADEUP'],
      ...[
        'nvapi-',
        'pypi-',
        'r8_',
        'gsk_',
        'hvs.',
        'SG.',
        'rpa_',
        'glrt-',
        'shpat_',
        'dop_v1_',
      ].map((prefix) => [`with ${prefix}madeupmadeup01234567`, 'madeup'] as const),
      ['MODAL_TOKEN_ID=ak-made-up and accessKeyId: made-up', 'made-up'],
      ['_auth=made-up, pwd=made-up', 'made-up'],
      ['HF_KEY=made-up', 'made-up'],
      ['DB_PASS=made-up and MY_PWD: made-up', 'made-up'],
      ['sent {"OPENAI_KEY": "made-up"}', 'made-up'],
      ['node run.js --password hunter2 --api-key "made up"', 'hunter2', 'made', ' up'],
      ['header x-api-key madeup', 'madeup'],
      ['Cookie: session=made-up; other=made-up', 'made-up'],
      ['read 0123456789abcdef0123456789abcdef', '0123456789'],
      ['at https://hooks.slack.com/services/T0MADEUP/B0/madeup', 'MADEUP', 'madeup'],
      ['at https://discord.com/api/webhooks/12/madeup', 'madeup'],
      ['postgres://user:p/w@host/base and https://user:p/w@host/', 'user', 'p/w'],
      ['password: "two words here", step 3', 'two', 'words', 'here'],
      ["password='two words here'", 'two', 'words', 'here'],
      [String.raw`{"note":"{\"password\":\"two words\"}"}`, 'two', 'words'],
      ['{"step":3,"password":"two words, cut off', 'two', 'words', 'cut'],
      [`-----BEGIN PRIVATE KEY-----\n${body}\nmadeup==\n-----END PRIVATE KEY-----`, body, 'madeup'],
      [`the lines of a key, one by one:\n${body}`, body],
    ];
    for (const [text, ...secrets] of texts) {
      const shown = withoutSecrets(text);
      assert.ok(shown.includes('<left out>'), text);
      for (const secret of secrets) assert.ok(!shown.includes(secret), `${text}: ${shown}`);
    }
    assert.equal(
      withoutSecrets('password: "two words here", step 3 at postgres://u:p/w@host/base'),
      'password: <left out>, step 3 at postgres://<left out>host/base',
    );
  });

  it('shows what is no secret as it is', async () => {
    const { plainValue, withoutSecrets } = await secretsModule();
    const commit = '0123456789abcdef0123456789abcdef01234567';
    for (const text of [
      'step 12 of 600: reward 0.83, loss 0.0121, learningRate 0.0003, tokens: 98, max_tokens=77',
      'flowbook run a.ipynb --tokenizer models/hf-internal/tokenizer.json --max-tokens 98',
      `commit ${commit}, version 6dc58e4, run 20260101-000000-flow-grpo`,
      'Cannot read "/data/prompts.jsonl" as row 3 must have a prompt: current value is undefined',
      '"eos_token_id": 151645, padTokenId=0, token_id: [1, 2]',
      'the token embeddings and the basic settings; Unexpected token } in JSON at position 5',
      'at file:///srv/node_modules/@flowbook/sdk/dist/index.js:3:5',
      'at http://127.0.0.1:8080/score and https://example.com/three@0.1/a.js',
    ]) {
      assert.equal(withoutSecrets(text), text);
    }
    const record = { commit, tokens: 98, image_key: 'images', primaryKey: 'step', keys: ['a'] };
    assert.deepEqual(plainValue(record), record);
  });

  it('leaves out what stands below a name, or behind an option', async () => {
    const { plainValue } = await secretsModule();
    const gone = '<left out>';
    assert.deepEqual(
      plainValue({
        OPENAI_KEY: 'made-up',
        webhookUrl: 'http://127.0.0.1/made-up',
        auth: 'made-up',
        connectionString: 'made-up',
        headers: ['Authorization', 'made-up', 'Accept', 'text'],
        env: [
          { name: 'HF_TOKEN', value: 'made-up' },
          { name: 'HF_HOME', value: '/models' },
        ],
        parameters: ['--steps', '3', '--password', 'made-up', 'x-api-key', 'made-up', 'last'],
      }),
      {
        OPENAI_KEY: gone,
        webhookUrl: gone,
        auth: gone,
        connectionString: gone,
        headers: ['Authorization', gone, 'Accept', 'text'],
        env: [
          { name: 'HF_TOKEN', value: gone },
          { name: 'HF_HOME', value: '/models' },
        ],
        parameters: ['--steps', '3', '--password', gone, 'x-api-key', gone, 'last'],
      },
    );
  });

  it('is done with a long line in time that grows as its length does', async () => {
    const { withoutSecrets } = await secretsModule();
    for (const part of [
      'a-',
      'x-',
      'a:',
      '://a',
      'https://hook/',
      '--a-key  ',
      '"',
      '-----BEGIN ',
    ]) {
      withoutSecrets(part.repeat(200_000 / part.length));
    }
  });
});
