import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repository, setupModule } from '../setup/setup-module';
import { temporaryFolder } from '../setup/temporary-folder';
import { FlowbookProcess } from './flowbook-process';

async function until(isSo: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it did not come to be so');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('flowbook lab', () => {
  const folder = temporaryFolder();
  const home = () => join(folder.path, 'home');

  async function start(): Promise<{ lab: FlowbookProcess; url: string; token: string }> {
    mkdirSync(join(folder.path, 'notebooks'), { recursive: true });
    mkdirSync(home(), { recursive: true });
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const lab = new FlowbookProcess(['lab', '--no-browser', '--port', '0'], folder.path, {
      HOME: home(),
      FLOWBOOK_CACHE: cacheFolder(),
    });
    const [, url, token] = await lab.printed(/JupyterLab: (http:\/\/\S+\/)lab\?token=([0-9a-f]+)/);
    return { lab, url, token };
  }

  const isUp = (url: string) =>
    fetch(`${url}api`).then(
      () => true,
      () => false,
    );

  it('lab serves on the loopback address, with a token that the process list does not show', async () => {
    const { lab, url, token } = await start();
    try {
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
      assert.equal(token.length, 48);
      // What listens on all addresses answers there, too.
      await assert.rejects(fetch(`${url.replace('127.0.0.1', '127.0.0.2')}api`));
      assert.equal((await fetch(`${url}api/contents`)).status, 403);
      assert.equal((await fetch(`${url}lab?token=${token}`)).status, 200);
      const processes = execFileSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' });
      assert.match(processes, /jupyterlab --config=/);
      assert.equal(processes.includes(token), false);
      const answer = await fetch(`${url}api/kernelspecs?token=${token}`);
      const specs = JSON.parse(await answer.text());
      assert.equal(specs.default, 'flowbook');
      assert.equal(specs.kernelspecs.flowbook.spec.language, 'typescript');
    } finally {
      lab.kill('SIGINT');
    }
    assert.equal(await lab.ended, 0);
    assert.equal(lab.stderr.includes(token), false);
    assert.doesNotMatch(lab.stderr, /Fatal|Traceback/, 'it ends without a word of complaint');
    assert.equal(await isUp(url), false);
    assert.deepEqual(readdirSync(home()), [], 'nothing is written into the home folder');
  });

  it("lab's server ends even when flowbook is killed outright", async () => {
    const { lab, url } = await start();
    lab.kill('SIGKILL');
    await lab.ended;
    await until(async () => !(await isUp(url)));
  });

  it("lab keeps the server's files readable by this user alone", async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const { lab } = await start();
    const runtime = join(cacheFolder(), 'jupyter', 'runtime');
    const secrets = readdirSync(runtime).filter((name) =>
      /^(flowbook|jpserver)-.*json$/.test(name),
    );
    const modes = secrets.map((name) => statSync(join(runtime, name)).mode & 0o077);
    lab.kill('SIGTERM');
    await lab.ended;
    assert.ok(secrets.length >= 1);
    assert.ok(modes.every((mode) => mode === 0));
  });

  it("lab's kernel listens at sockets that this user alone can reach, and at no port", async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const { lab, url, token } = await start();
    try {
      const runtime = join(cacheFolder(), 'jupyter', 'runtime');
      assert.equal(statSync(runtime).mode & 0o077, 0);
      const answer = await fetch(`${url}api/kernels?token=${token}`, { method: 'POST' });
      const { id } = (await answer.json()) as { id: string };
      const file = join(runtime, `kernel-${id}.json`);
      const { transport, ip } = JSON.parse(readFileSync(file, 'utf8'));
      assert.deepEqual([transport, ip], ['ipc', join(runtime, `kernel-${id}-ipc`)]);
      const channels = [1, 2, 3, 4, 5].map((channel) => `${ip}-${channel}`);
      await until(() => channels.every((path) => existsSync(path)));
      assert.ok(channels.every((path) => statSync(path).isSocket()));
    } finally {
      lab.kill('SIGTERM');
    }
    assert.equal(await lab.ended, 0);
  });

  it('lab gives ports to kernels of other languages, and where a path is too long for a socket', async () => {
    const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
    const code = `
import json, sys
from flowbook_server import FlowbookKernelManager
asked = json.loads(sys.argv[1])
print([FlowbookKernelManager(kernel_name=name, connection_file=file).transport for name, file in asked])`;
    const file = '/run/user/1000/kernel.json';
    const long = '/'.padEnd(92, 'ü') + '.json';
    const asked = [
      ['flowbook', file],
      ['python3', file],
      ['flowbook', long],
    ];
    const python: string = venvPython(jupyterFolder(cacheFolder()));
    const printed = execFileSync(python, ['-B', '-c', code, JSON.stringify(asked)], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: join(repository, 'kernel-extensions/share/jupyter') },
    });
    assert.equal(printed.trim(), "['ipc', 'tcp', 'tcp']");
  });
});
