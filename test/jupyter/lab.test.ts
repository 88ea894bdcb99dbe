import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setupModule } from '../setup/setup-module';
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
});
