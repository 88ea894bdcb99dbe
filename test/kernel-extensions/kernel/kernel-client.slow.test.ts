import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
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
import { Publisher } from 'zeromq';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { KernelChannels } from '../../../kernel-extensions/src/kernel/client/kernel-channels';
import { FLOWBOOK_KERNELSPEC } from '../../../kernel-extensions/src/kernel/client/kernel-process';
import { createHeader, MessageCodec } from '../../../kernel-extensions/src/kernel/protocol/message';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';
import { keepEnvironment } from '../../setup/keep-environment';
import { repository } from '../../setup/setup-module';
import { pause, resultText, runningKernel } from './running-kernel';

/** A process that has ended but was not yet collected by its parent still has its id, and state Z. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Folder of a kernelspec whose kernel never answers, and writes its process id there. */
function silentKernel(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
  const file = JSON.stringify(join(folder, 'pid'));
  const code = `fs.writeFileSync(${file}, String(process.pid)); setInterval(() => {}, 1000);`;
  const argv = ['node', '-e', code, '{connection_file}'];
  writeFileSync(join(folder, 'kernel.json'), JSON.stringify({ argv }));
  return folder;
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

  it('start() ends the kernel when its signal is aborted', async () => {
    const folder = silentKernel();
    const controller = new AbortController();
    const reason = new Error('stopped by SIGINT');
    const started = KernelClient.start({ kernelspec: folder, signal: controller.signal });
    started.catch(() => {});
    while (!existsSync(join(folder, 'pid'))) await pause(20);
    controller.abort(reason);
    await assert.rejects(started, reason);
    await pause(100);
    assert.equal(isRunning(Number(readFileSync(join(folder, 'pid'), 'utf8'))), false);
    await assert.rejects(
      KernelClient.start({ kernelspec: join(folder, 'none'), signal: controller.signal }),
      reason,
    );
    rmSync(folder, { recursive: true });
  });

  it('start() leaves nothing behind where the kernel cannot be started: the process ends', () => {
    const client = join(repository, 'kernel-extensions/dist/kernel/client.js');
    const code = `require(${JSON.stringify(client)}).KernelClient.start({ cwd: '/missing' }).catch((error) => console.log(error.message))`;
    const { status, stdout } = spawnSync(process.execPath, ['-e', code], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.match(stdout, /^Cannot use the kernel as it must be running: spawn .* ENOENT$/m);
    assert.equal(status, 0);
  });

  it('a kernel ends when the process that started it ended before it began to watch that', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const [early, connectionFile] = [join(folder, 'early.cjs'), join(folder, 'connection.json')];
    // Seen from the kernel: its parent is gone once it has started the process that runs cells.
    writeFileSync(
      early,
      `const children = require('node:child_process');
const { fork } = children;
const { ppid } = process;
let isGone = false;
children.fork = (...given) => ((isGone = true), fork(...given));
Object.defineProperty(process, 'ppid', { get: () => (isGone ? 1 : ppid) });`,
    );
    const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
    const ip = join(folder, 'kernel');
    writeFileSync(connectionFile, JSON.stringify({ transport: 'ipc', ip, key: '', ...ports }));
    const kernel = spawn(
      process.execPath,
      ['--require', early, join(FLOWBOOK_KERNELSPEC, '../../../../bin/kernel.mjs'), connectionFile],
      {
        stdio: 'ignore',
        env: { ...process.env, JPY_PARENT_PID: String(process.pid), FLOWBOOK_HISTORY: 'off' },
      },
    );
    const ended = once(kernel, 'exit').then(([code]) => code as number | null);
    const code = await Promise.race([ended, pause(20_000)]);
    kernel.kill('SIGKILL');
    assert.equal(code, 0);
    rmSync(folder, { recursive: true });
  });
});

describe('KernelClient whose listener throws', () => {
  const running = runningKernel();

  it('execute() rejects with what onOutput throws, and the kernel can be used', async () => {
    const { kernel } = running;
    const problem = new Error('no room');
    const onOutput = () => {
      throw problem;
    };
    await assert.rejects(kernel.execute("console.log('x'); 1", { onOutput }), problem);
    assert.equal(resultText(await kernel.execute('1 + 1')), '2');
  });

  it('tells on stderr what onOutput throws after the end of its cell', async () => {
    const { kernel } = running;
    const said = await textOnStderr(async () => {
      const onOutput = () => {
        throw new Error('too late');
      };
      await kernel.execute("void setTimeout(() => console.log('late'), 50);", { onOutput });
      await kernel.execute('await new Promise((settle) => setTimeout(settle, 200));');
    });
    assert.match(said, /^A listener to the kernel failed: Error: too late\n/);
  });

  it('goes on when a listener of onIopub() throws, and tells on stderr', async () => {
    const { kernel } = running;
    const said = await textOnStderr(async () => {
      const stop = kernel.onIopub(() => {
        throw new Error('not mine');
      });
      assert.equal(resultText(await kernel.execute('1 + 1')), '2');
      stop();
    });
    assert.match(said, /^A listener to the kernel failed: Error: not mine\n/);
  });
});

describe('KernelChannels', () => {
  it('drops a message with a wrong signature, and hears the next one', async () => {
    const publisher = new Publisher({ linger: 0 });
    await publisher.bind('tcp://127.0.0.1:*');
    const port = Number(new URL(publisher.lastEndpoint!).port);
    const ports = { shell_port: port, stdin_port: port, control_port: port, hb_port: port };
    const connection = { transport: 'tcp' as const, ip: '127.0.0.1', key: 'key', ...ports };
    let hear: (type: string) => void = () => {};
    const heard = new Promise<string>((settle) => (hear = settle));
    const channels = await KernelChannels.connect(
      { ...connection, iopub_port: port, signature_scheme: 'hmac-sha256' },
      (_, { header }) => hear(header.msg_type),
    );
    const said = await textOnStderr(async () => {
      const send = (key: string, type: string) => {
        const header = createHeader(type, 'made-up');
        const rest = { identities: [], parent_header: {}, metadata: {}, content: {}, buffers: [] };
        return publisher.send(new MessageCodec(key).encode({ header, ...rest }));
      };
      await pause(300); // until it has subscribed
      await send('another', 'forged');
      await send('key', 'signed');
      assert.equal(await heard, 'signed');
    });
    assert.equal(
      said,
      'A message of the kernel was dropped: Cannot accept a message as its signature must match the key of the connection file\n',
    );
    channels.close();
    publisher.close();
  });
});
