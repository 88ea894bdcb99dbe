import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HubError, hubFetch } from '../../../../sdk/src/io/hub/hub-fetch';
import { hubSettings } from '../../../../sdk/src/io/hub/hub-settings';

describe('hubFetch()', () => {
  const tokens: (string | undefined)[] = [];
  let server: Server;
  let endpoint: string;
  before(async () => {
    server = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(Number(request.url?.slice(1))).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const ask = (address: string, hub = endpoint, token = 'secret') => {
    const settings = { ...hubSettings(), endpoint: hub, token, revision: 'main' };
    return hubFetch('a/b', settings)(address);
  };

  for (const [status, isPassing] of [
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [429, true],
    [499, false],
    [500, true],
    [503, true],
  ] as const) {
    it(`takes ${status} for a failure that ${isPassing ? 'may pass' : 'stays'}`, async () => {
      await assert.rejects(ask(`${endpoint}/${status}`), (error: HubError) => {
        assert.match(error.message, new RegExp(`current answer is ${status}$`));
        return error instanceof HubError && error.isPassing === isPassing;
      });
    });
  }

  it('shows its token to the hub alone', async () => {
    tokens.length = 0;
    assert.equal((await ask(`${endpoint}/200`)).status, 200);
    assert.equal((await ask(`${endpoint}/200`, 'http://localhost:1')).status, 200);
    assert.deepEqual(tokens, ['Bearer secret', undefined]);
  });

  it('refuses a token that HTTP does not send, without showing it', async () => {
    await assert.rejects(ask(`${endpoint}/200`, endpoint, 'made\nup'), {
      message:
        'Cannot download model "a/b" as header "authorization" must be a name and one line of characters that HTTP sends: its value is not shown, as it may be a secret',
    });
  });

  it('refuses an address with a password, which its messages would show', () => {
    for (const address of [
      'https://me:hunter2@127.0.0.1/',
      'https://me@127.0.0.1',
      'https://:hunter2@127.0.0.1',
      'file:///hub',
    ]) {
      assert.throws(
        () => hubSettings({ endpoint: address }),
        (error: Error) => /^Cannot send to /.test(error.message) && !/hunter2/.test(error.message),
      );
    }
  });

  it('says that it cannot reach a host, and why', async () => {
    server.close();
    await assert.rejects(ask('http://127.0.0.1:1/x'), (error: HubError) => {
      assert.match(error.message, /^Cannot reach http:\/\/127\.0\.0\.1:1 for model "a\/b": /);
      return error.isPassing && error.cause instanceof Error;
    });
  });
});
