import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { FLOWBOOK_KERNELSPEC } from '../../../kernel-extensions/src/kernel/client/kernel-process';
import { keepEnvironment } from '../../setup/keep-environment';
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

  it('start() has the kernel listen in a folder that is the user’s alone, and at ports where its path is too long', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const long = join(temporary, 'long'.repeat(30));
    mkdirSync(long);
    const restore = keepEnvironment('TMPDIR');
    try {
      for (const [folder, transport] of [
        [temporary, 'ipc'],
        [long, 'tcp'],
      ] as const) {
        process.env.TMPDIR = folder;
        const kernel = await KernelClient.start();
        try {
          const { connection } = kernel['process'];
          assert.equal(connection.transport, transport);
          if (transport === 'ipc') assert.equal(statSync(dirname(connection.ip)).mode & 0o077, 0);
          assert.equal(resultText(await kernel.execute('1 + 1')), '2');
        } finally {
          await kernel.shutdown();
        }
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.startsWith('flowbook')),
          [],
        );
      }
    } finally {
      restore();
      rmSync(temporary, { recursive: true });
    }
  });

  it('start() of a kernel whose port another process has taken names channel and address', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const file = join(folder, 'connection.json');
    const argv = [
      'node',
      join(FLOWBOOK_KERNELSPEC, '../../../../bin/kernel.mjs'),
      file,
      '{connection_file}',
    ];
    const ports = { shell_port: port, iopub_port: 0, stdin_port: 0, control_port: 0, hb_port: 0 };
    writeFileSync(file, JSON.stringify({ transport: 'tcp', ip: '127.0.0.1', key: '', ...ports }));
    writeFileSync(join(folder, 'kernel.json'), JSON.stringify({ argv }));
    await assert.rejects(KernelClient.start({ kernelspec: folder }), (error: Error) =>
      error.message.endsWith(
        `Cannot start the kernel as the address that it was given for shell must be free: tcp://127.0.0.1:${port} (Address already in use)`,
      ),
    );
    taken.close();
    rmSync(folder, { recursive: true });
  });
});
