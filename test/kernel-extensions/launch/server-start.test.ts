import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { JupyterServer } from '../../../kernel-extensions/src/launch/jupyter-server';
import { ServerKernel } from '../../../kernel-extensions/src/launch/server-kernel';
import { FlowbookProcess } from '../../jupyter/flowbook-process';
import { repository } from '../../setup/setup-module';
import { temporaryFolder } from '../../setup/temporary-folder';
import { standInForJupyter } from './stand-in-server';

async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a Jupyter server', () => {
  const folder = temporaryFolder();
  const rootFolder = (name: string): string => {
    const made = join(folder.path, name);
    mkdirSync(made);
    return made;
  };

  it('that is stopped while it answers for the first time does not count as started', async () => {
    const jupyter = await standInForJupyter(join(folder.path, 'cache'));
    const root = rootFolder('root');
    const stop = new AbortController();
    const reason = new Error('stopped by SIGINT');
    const started = JupyterServer.start({ ...jupyter, rootFolder: root, signal: stop.signal });
    started.catch(() => {});
    await appears(join(root, 'asked'));
    stop.abort(reason);
    await assert.rejects(started, reason);
  });

  it('that is stopped while it starts has "flowbook lab" end with 130', async () => {
    const { cache } = await standInForJupyter(join(folder.path, 'cache'));
    const root = rootFolder('silent');
    const lab = new FlowbookProcess(['lab', '--no-browser', '--root', root], folder.path, {
      FLOWBOOK_CACHE: cache,
    });
    await appears(join(root, 'asked'));
    lab.kill('SIGINT');
    assert.equal(await lab.ended, 130);
    assert.equal(lab.stderr, '');
  });
});

describe('ServerKernel.start()', () => {
  let server: Server;
  let url: string;

  // It lists what runs, and starts nothing; asked for "silent", it never answers.
  before(async () => {
    server = createServer((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      if (request.method === 'GET') return response.end('[]');
      request.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('silent')) return;
        response.statusCode = 500;
        response.end('{"message":"no kernel today"}');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('that fails leaves nothing behind: the process ends', async () => {
    const module = join(repository, 'kernel-extensions/dist/launch/server-kernel.js');
    const given = [JSON.stringify({ url, token: '' }), "'n.ipynb'", "'flowbook'"];
    const code = `require(${JSON.stringify(module)}).ServerKernel.start(${given.join(', ')}, new AbortController().signal).catch((error) => console.log(error.message))`;
    const child = spawn(process.execPath, ['-e', code], { timeout: 30_000 });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [exitCode] = await once(child, 'close');
    assert.equal(said, 'no kernel today\n');
    assert.equal(exitCode, 0);
  });

  it('gives up when its signal is aborted', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by SIGINT');
    const place = { url, token: '' } as JupyterServer;
    const started = ServerKernel.start(place, 'silent.ipynb', 'flowbook', stop.signal);
    setTimeout(() => stop.abort(reason), 300);
    await assert.rejects(started, reason);
  });
});
