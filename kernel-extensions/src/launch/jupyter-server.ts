import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  jupyterEnvironment,
  jupyterFolders,
  labExtensionsFolder,
  sharedJupyterFolder,
} from './jupyter-environment';

export interface JupyterServerOptions {
  /** Flowbook's cache folder. */
  cache: string;
  /** The Python that has JupyterLab. */
  python: string;
  /** Folder that the server shows; kernels start in the folder of their notebook below it. */
  rootFolder: string;
  /** `jupyterlab` for people, `jupyter_server` for programs. */
  application?: 'jupyterlab' | 'jupyter_server';
  /** First port to try; 0 takes any free one. */
  port?: number;
  openBrowser?: boolean;
  /** Added to the server's environment, and so to its kernels'. */
  environment?: NodeJS.ProcessEnv;
  /** Sees each line that the server logs. */
  onLog?: (line: string) => void;
  /** Ends the server, also while it starts. */
  signal?: AbortSignal;
  /** How long the server may take until it answers, in milliseconds. */
  startTimeoutMs?: number;
}

const keptLogLines = 30;
/** Python that runs a module and ends it once our end of its standard input is closed, however we ended. */
const serverProgram = path.join(sharedJupyterFolder, 'flowbook_server.py');
const withoutExtensions = {
  jupyterlab: false,
  jupyter_lsp: false,
  jupyter_server_terminals: false,
  notebook_shim: false,
};

/**
 * A Jupyter server of our own: on the loopback address alone, with a random token, ended by its own process.
 *
 * The token reaches the server in a file that only this user can read, never on the process list.
 */
export class JupyterServer {
  /** Address with a slash at the end, without the token. */
  url = '';
  readonly token = randomBytes(24).toString('hex');
  /** Resolves with the exit code when the server has ended. */
  readonly ended: Promise<number>;
  private readonly log: string[] = [];
  private readonly configFile: string;
  private readonly child: ChildProcess;
  private hasEnded = false;

  private constructor(private readonly options: JupyterServerOptions) {
    const folders = jupyterFolders(options.cache);
    const name = `flowbook-${process.pid}-${randomBytes(4).toString('hex')}.json`;
    this.configFile = path.join(folders.runtime, name);
    writeFileSync(this.configFile, JSON.stringify(this.config()), { mode: 0o600, flag: 'wx' });
    const application = options.application ?? 'jupyterlab';
    const parameters = ['-B', serverProgram, application, `--config=${this.configFile}`];
    this.child = spawn(options.python, parameters, {
      cwd: options.rootFolder,
      env: { ...jupyterEnvironment(folders), ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.hasEnded = true;
        rmSync(this.configFile, { force: true });
        resolve(code ?? 1);
      };
      this.child.on('error', (error) => {
        this.keep(error.message);
        end(1);
      });
      this.child.on('close', end);
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) this.keep(line);
      });
    }
  }

  /** Starts a server and resolves when it answers; an error tells what the server logged. */
  static async start(options: JupyterServerOptions): Promise<JupyterServer> {
    const server = new JupyterServer(options);
    try {
      await server.waitUntilItAnswers(jupyterFolders(options.cache).runtime);
      // It has been read: nothing is left behind even when we are killed outright.
      rmSync(server.configFile, { force: true });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Process id of the server. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Address for a browser, with the token. */
  get labAddress(): string {
    return `${this.url}lab?token=${this.token}`;
  }

  /** Ends the server and its kernels; resolves when it is gone. */
  async stop(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGTERM');
    const lateKill = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(lateKill);
  }

  private config(): object {
    const { rootFolder, port = 8888, openBrowser = false } = this.options;
    const isForPeople = this.options.application !== 'jupyter_server';
    return {
      ServerApp: {
        ip: '127.0.0.1',
        port,
        port_retries: port === 0 ? 0 : 100,
        root_dir: rootFolder,
        open_browser: openBrowser,
        allow_root: process.getuid?.() === 0,
        // Ctrl-C ends the server without a question.
        answer_yes: true,
        websocket_ping_interval: 30_000,
        websocket_ping_timeout: 30_000,
        // A program that drives notebooks needs none of what JupyterLab adds.
        jpserver_extensions: isForPeople ? {} : withoutExtensions,
      },
      Application: { log_level: 'WARN' },
      IdentityProvider: { token: this.token },
      // Looking for language servers runs npm, which writes into the home folder.
      LanguageServerManager: { autodetect: false },
      MultiKernelManager: {
        default_kernel_name: 'flowbook',
        kernel_manager_class: 'flowbook_server.FlowbookKernelManager',
      },
      // The limits keep a page usable. They count what arrives, so that a server that was held up drops what was sent in time.
      ZMQChannelsWebsocketConnection: { limit_rate: isForPeople },
      // A kernel that died is reported: a new one in its place would have lost every variable.
      KernelRestarter: { restart_limit: 0 },
      LabApp: {
        check_for_updates_class: 'jupyterlab.NeverCheckForUpdate',
        news_url: null,
        // Nothing is fetched and nobody is asked about it.
        extra_labextensions_path: [labExtensionsFolder],
        app_settings_dir: path.join(sharedJupyterFolder, 'lab', 'settings'),
      },
    };
  }

  private keep(line: string): void {
    this.log.push(line);
    if (this.log.length > keptLogLines) this.log.shift();
    this.options.onLog?.(line);
  }

  /** The server writes its address into a file of its own; ours is the one with our token. */
  private addressIn(runtimeFolder: string): string | null {
    for (const name of readdirSync(runtimeFolder)) {
      if (!/^jpserver-\d+\.json$/.test(name)) continue;
      try {
        const info = JSON.parse(readFileSync(path.join(runtimeFolder, name), 'utf8'));
        if (info.token === this.token) return info.url;
      } catch {
        // Another server is writing or removing its file at this moment.
      }
    }
    return null;
  }

  private async waitUntilItAnswers(runtimeFolder: string): Promise<void> {
    const timeoutMs = this.options.startTimeoutMs ?? 120_000;
    const deadline = Date.now() + timeoutMs;
    const { signal } = this.options;
    while (!this.hasEnded && Date.now() < deadline) {
      signal?.throwIfAborted();
      this.url ||= this.addressIn(runtimeFolder) ?? '';
      if (this.url) {
        const headers = { Authorization: `token ${this.token}` };
        const answer = await fetch(`${this.url}api/status`, { headers, signal }).catch(() => null);
        if (answer?.ok && !signal?.aborted) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const rule = this.hasEnded
      ? 'it must not end while it starts'
      : `it must answer in ${timeoutMs} ms`;
    throw new Error(`Cannot start the Jupyter server as ${rule}:\n${this.log.join('\n')}`);
  }
}
