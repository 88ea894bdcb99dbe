import assert from 'node:assert/strict';
import { httpReward, pixelImage, type HttpRewardOptions } from '@flowbook/sdk';
import { hideSecrets } from '../../../../sdk/src/io/http/secret-headers';
import { RewardServer } from './reward-server';

describe('what a server of rewards says', () => {
  let server: RewardServer;
  beforeEach(async () => {
    server = await RewardServer.start();
  });
  afterEach(() => server.stop());

  const rate = (options: Partial<HttpRewardOptions> = {}) =>
    httpReward({ url: server.url, backoffMs: 1, ...options })(
      [pixelImage(1, 1, [255, 0, 0])],
      [{ prompt: 'red' }],
      { signal: null },
    );

  describe('httpReward() shows no token', () => {
    const TOKEN = 'sk-made-up-token';
    const tokenVariable = 'FLOWBOOK_TEST_REWARD_TOKEN';
    afterEach(() => delete process.env[tokenVariable]);

    it('that HTTP does not send, and asks nobody', async () => {
      for (const token of [`${TOKEN}\n${TOKEN}`, `${TOKEN}\u20ac`]) {
        process.env[tokenVariable] = token;
        await assert.rejects(rate({ tokenVariable }), {
          message: `Cannot send to ${server.url} as header "authorization" must be a name and one line of characters that HTTP sends: its value is not shown, as it may be a secret`,
        });
      }
      assert.equal(server.requests.length, 0);
    });

    it('that an answer repeats, whatever its status', async () => {
      process.env[tokenVariable] = TOKEN;
      const stars = '*'.repeat(TOKEN.length);
      for (const [status, body, message] of [
        [
          401,
          `no ${TOKEN}`,
          `as its status must be 200 to 299: current value is 401 (no ${stars})`,
        ],
        [200, JSON.stringify({ error: `no ${TOKEN}` }), `as it failed: no ${stars}`],
        [200, `{"key":"${TOKEN}"}`, `current value is {"key":"${stars}"}`],
      ] as const) {
        server.answer = (_, response) => server.sendJson(response, body, status);
        await assert.rejects(rate({ tokenVariable }), (error: Error) => {
          assert.ok(error.message.endsWith(message), error.message);
          return !String(error.stack).includes(TOKEN);
        });
      }
    });

    it('of where it is sent to', async () => {
      server.answer = (_, response) =>
        void response
          .writeHead(307, { location: `https://me:${TOKEN}@other.example/@in?session=${TOKEN}` })
          .end();
      await assert.rejects(
        rate(),
        /current answer is 307 to "https:\/\/\.\.\.@other.example\/@in"$/,
      );
    });
  });

  it('shows what a server says on one line, without what a terminal obeys', async () => {
    const said = '<html>\n\u001b[2J\u009b31mbad\u202e\r\nstep 9: all is well';
    const shown = '<html> [2J 31mbad step 9: all is well';
    server.answer = (_, response) => void response.writeHead(400).end(said);
    await assert.rejects(rate(), (error: Error) => error.message.endsWith(`400 (${shown})`));
    server.answer = (_, response) => server.sendJson(response, JSON.stringify({ error: said }));
    await assert.rejects(rate(), (error: Error) => error.message.endsWith(`failed: ${shown}`));
    server.answer = (_, response) =>
      server.sendJson(response, `{"error": "${'long '.repeat(999)}"}`);
    await assert.rejects(rate(), (error: Error) => error.message.length < 400);
    const traceback = `Traceback:\n${'  File "/srv/app.py", line 10\n'.repeat(999)}ValueError: no CUDA`;
    server.answer = (_, response) =>
      server.sendJson(response, JSON.stringify({ error: traceback }));
    await assert.rejects(
      rate(),
      /failed: Traceback: File .*py", l.* \.\.\. .*ValueError: no CUDA$/,
    );
  });
});

describe('hideSecrets()', () => {
  it('leaves a number and a short word, which an answer may hold by chance', () => {
    const answer = Buffer.from('{"scores": [0.12345678]}');
    hideSecrets(answer, { 'x-run': '12345678', 'x-team': 'scores', accept: '{"scores":' });
    assert.equal(answer.toString(), '{"scores": [0.12345678]}');
  });

  it('hides one that is stars itself, each time', () => {
    const answer = Buffer.from('no ********, no ********');
    hideSecrets(answer, { authorization: 'Bearer ********' });
    assert.equal(answer.toString(), 'no ********, no ********');
  });
});
