import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ConnectionInfo } from '../protocol/connection-file';

/** The kernelspec that ships with this package. */
export const FLOWBOOK_KERNELSPEC = resolve(__dirname, '../../../share/jupyter/kernels/flowbook');

/** In bytes, by the least of the systems': macOS has a place of 104, Linux of 108, a closing zero among them. */
const LONGEST_SOCKET_PATH = 103;

export interface KernelProcessOptions {
  /** Folder of a kernelspec (with kernel.json); Flowbook's own by default. */
  kernelspec?: string;
  /** Folder the cells run in, as a notebook's own folder does under Jupyter. */
  cwd?: string;
  /** Variables added to this process's environment. */
  env?: Record<string, string>;
}

/** A kernel process started from its kernelspec, and the connection file it was given. */
export class KernelProcess {
  readonly pid: number;
  /** Resolves with a description once the process has ended. */
  readonly ended: Promise<string>;
  private log = '';

  private constructor(
    readonly connection: ConnectionInfo,
    private readonly child: ChildProcess,
    folder: string,
  ) {
    this.pid = child.pid ?? -1;
    const keep = (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-4000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.ended = new Promise((settle) => {
      const finish = (reason: string) => {
        rmSync(folder, { recursive: true, force: true });
        settle(this.log.trim() === '' ? reason : `${reason}\n${this.log.trim()}`);
      };
      child.once('error', (error) => finish(error.message));
      child.once('close', (code, signal) => finish(`the kernel process ended (${signal ?? code})`));
    });
  }

  /** Starts the kernel: ours at sockets in a folder that is this user's alone, others on free loopback ports. */
  static async start(options: KernelProcessOptions = {}): Promise<KernelProcess> {
    const kernelspec = options.kernelspec ?? FLOWBOOK_KERNELSPEC;
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-kernel-'));
    const connectionFile = join(folder, 'connection.json');
    const unixSockets = options.kernelspec === undefined ? socketsIn(folder) : null;
    const connection = unixSockets ?? (await freePorts());
    writeFileSync(connectionFile, JSON.stringify(connection), { mode: 0o600 });
    const spec = JSON.parse(readFileSync(join(kernelspec, 'kernel.json'), 'utf8')) as {
      argv: string[];
      env?: Record<string, string>;
    };
    const [command, ...rest] = spec.argv.map((part) =>
      part.replaceAll('{resource_dir}', kernelspec).replaceAll('{connection_file}', connectionFile),
    );
    const child = spawn(command === 'node' ? process.execPath : command, rest, {
      cwd: options.cwd,
      env: {
        FLOWBOOK_UNPACED: '1',
        ...process.env,
        ...spec.env,
        FLOWBOOK_HISTORY: 'off', // what programs run is nobody's typing, whatever the user's own variable says
        ...options.env,
        JPY_PARENT_PID: String(process.pid), // the kernel ends when this process does
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new KernelProcess(connection, child, folder);
  }

  /** Ends the process at once, by its own id. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** Null where there are no such sockets, or a path in this folder would be too long for one. */
function socketsIn(folder: string): ConnectionInfo | null {
  const connection = connectionInfo('ipc', join(folder, 'kernel'), [1, 2, 3, 4, 5]);
  const longest = Buffer.byteLength(`${connection.ip}-5`);
  return process.platform !== 'win32' && longest <= LONGEST_SOCKET_PATH ? connection : null;
}

async function freePorts(): Promise<ConnectionInfo> {
  const servers = await Promise.all(
    Array.from(
      { length: 5 },
      () =>
        new Promise<ReturnType<typeof createServer>>((settle, fail) => {
          const server = createServer();
          server.once('error', fail);
          server.listen(0, '127.0.0.1', () => settle(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((settle) => server.close(settle))));
  return connectionInfo('tcp', '127.0.0.1', ports);
}

function connectionInfo(
  transport: ConnectionInfo['transport'],
  ip: string,
  [shell_port, iopub_port, stdin_port, control_port, hb_port]: readonly number[],
): ConnectionInfo {
  const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
  return { transport, ip, key: randomUUID(), signature_scheme: 'hmac-sha256', ...ports };
}
