import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { LocalLauncher, packagesFolder } from '@flowbook/kernel-extensions';
import { launcherContract } from './launcher-contract';

launcherContract('LocalLauncher', async () => ({
  launcher: new LocalLauncher(packagesFolder()),
  loseMachine: async (id) => void process.kill(Number(id), 'SIGKILL'),
  requeues: false,
}));

const FLOWBOOK = join(__dirname, '../../../kernel-extensions/bin/flowbook.mjs');

/** Says each signal that it gets, and ends half a second after the first. */
const HEARS_SIGNALS = `
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    console.log('got', signal);
    setTimeout(() => process.exit(75), 500);
  });
console.log('ready');
setTimeout(() => {}, 60_000);
`;

const isRunning = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode === null && signalCode === null;

describe('flowbook submit --on local', function () {
  this.timeout(60_000);
  let project: string;
  let child: ChildProcess;
  let ended: Promise<number | null>;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'flowbook-local-'));
    writeFileSync(join(project, 'package.json'), '{}');
    writeFileSync(join(project, 'hears.mjs'), HEARS_SIGNALS);
  });

  afterEach(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(project, { recursive: true, force: true, maxRetries: 5 });
  });

  const logged = () => {
    const file = join(project, 'out', 'output.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };

  async function untilReady(): Promise<void> {
    while (!logged().includes('ready')) {
      assert.ok(isRunning(child), `ends with ${child.exitCode} before its run is ready`);
      await wait(50);
    }
  }

  /** Submits in a group of its own, as a shell does at a terminal. */
  function submit(): void {
    const words = [FLOWBOOK, 'submit', 'hears.mjs', '--on', 'local', '--out', 'out'];
    child = spawn(process.execPath, words, { cwd: project, detached: true, stdio: 'ignore' });
    ended = new Promise((resolve) => child.once('exit', resolve));
  }

  it('hands a Ctrl-C at the terminal on to its runs once', async () => {
    submit();
    await untilReady();
    process.kill(-child.pid!, 'SIGINT');
    assert.equal(await ended, 75);
    assert.equal(logged(), 'ready\ngot SIGTERM\n');
  });

  it('leaves no run behind when it is killed', async () => {
    submit();
    await untilReady();
    child.kill('SIGKILL');
    // The run ends half a second after it is told to.
    for (let waits = 0; !logged().includes('got') && waits < 200; waits += 1) await wait(50);
    await wait(200);
    assert.equal(logged(), 'ready\ngot SIGTERM\n');
  });
});
