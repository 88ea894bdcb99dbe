import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { pause, resultText } from './running-kernel';

/** A process that has ended but was not yet collected by its parent still has its id, and state Z. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('KernelClient', () => {
  it('shutdown() ends the kernel and the process that runs its cells', async () => {
    const kernel = await KernelClient.start();
    const engine = Number(resultText(await kernel.execute('process.pid')));
    assert.notEqual(engine, kernel.pid);
    await kernel.shutdown();
    assert.equal(isRunning(kernel.pid), false);
    assert.equal(isRunning(engine), false);
    await assert.rejects(
      kernel.execute('1'),
      /^Error: Cannot use the kernel as it must be running/,
    );
  });

  it('shutdown() ends a kernel whose cell is in an endless loop', async () => {
    const kernel = await KernelClient.start();
    const engine = Number(resultText(await kernel.execute('process.pid')));
    const cell = kernel.execute('for (;;) {}').catch((error: Error) => error.message);
    await pause(300);
    await kernel.shutdown();
    assert.match(String(await cell), /^Cannot use the kernel/);
    await pause(100);
    assert.equal(isRunning(engine), false);
  });

  it('kill() leaves no process behind, though a cell is in an endless loop', async () => {
    const kernel = await KernelClient.start();
    const engine = Number(resultText(await kernel.execute('process.pid')));
    kernel.execute('for (;;) {}').catch(() => {});
    await pause(300);
    kernel.kill();
    await pause(500);
    assert.equal(isRunning(engine), false);
  });

  it('goes on after the process that runs the cells has died, and says so', async () => {
    const kernel = await KernelClient.start();
    await kernel.execute('const before = 1;');
    const died = await kernel.execute(
      "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})",
    );
    assert.equal(died.error?.ename, 'EngineDied');
    assert.match(
      died.error?.evalue ?? '',
      /\(signal SIGKILL\); its variables are gone, a new one has started$/,
    );
    assert.equal(resultText(await kernel.execute('1 + 1')), '2');
    assert.match((await kernel.execute('before')).error?.evalue ?? '', /Cannot find name 'before'/);
    await kernel.shutdown();
  });

  it('start() says why a kernel did not start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const argv = [
      'node',
      '-e',
      "console.error('no luck today'); process.exit(3)",
      '{connection_file}',
    ];
    writeFileSync(join(folder, 'kernel.json'), JSON.stringify({ argv }));
    await assert.rejects(
      KernelClient.start({ kernelspec: folder }),
      /^Error: Cannot use the kernel as it must be running: the kernel process ended \(3\)\nno luck today$/,
    );
    rmSync(folder, { recursive: true });
  });
});
