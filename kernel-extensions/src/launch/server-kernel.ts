import { KernelManager, ServerConnection, SessionManager } from '@jupyterlab/services';
import type { Session } from '@jupyterlab/services';
import { type LiveOutput, outputOfMessage } from '../notebook/outputs';
import type { CellExecutor } from '../notebook/execute-notebook';
import type { JupyterServer } from './jupyter-server';

interface ExecuteReplyContent {
  status: 'ok' | 'error' | 'abort' | 'aborted';
  execution_count?: number;
  ename: string;
  evalue: string;
  traceback: string[];
}

type OnOutput = (output: LiveOutput) => void;

/** The kernel ended while a cell ran, or before. */
class KernelDiedError extends Error {
  override readonly name = 'KernelDied';
}

/** A kernel on a Jupyter server, driven as JupyterLab drives it: a session over HTTP and WebSocket. */
export class ServerKernel implements CellExecutor {
  private readonly listeners = new Map<string, OnOutput>();
  private died!: (error: Error) => void;
  private readonly death = new Promise<never>((_, reject) => {
    this.died = reject;
  });

  private constructor(
    private readonly session: Session.ISessionConnection,
    private readonly managers: { dispose(): void }[],
  ) {
    this.death.catch(() => {});
    const kernel = session.kernel!;
    kernel.iopubMessage.connect((_, message) => {
      const output = outputOfMessage(message);
      const parent = (message.parent_header as { msg_id?: string }).msg_id ?? '';
      if (output) this.listeners.get(parent)?.(output);
    });
    kernel.statusChanged.connect((_, status) => {
      if (status === 'dead' || status === 'autorestarting' || status === 'restarting') {
        this.died(new KernelDiedError('the kernel ended while the notebook ran'));
      }
    });
  }

  /** Starts a kernel for a notebook, whose path is relative to the server's root folder. */
  static async start(
    server: JupyterServer,
    notebookPath: string,
    kernelName: string,
  ): Promise<ServerKernel> {
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: server.url,
      wsUrl: server.url.replace(/^http/, 'ws'),
      token: server.token,
      appendToken: true,
    });
    const kernels = new KernelManager({ serverSettings });
    const sessions = new SessionManager({ kernelManager: kernels, serverSettings });
    const { debug } = console;
    // @jupyterlab/services announces each connection on standard output, which belongs to the notebook.
    console.debug = () => {};
    try {
      await sessions.ready;
      const session = await sessions.startNew({
        path: notebookPath,
        name: notebookPath,
        type: 'notebook',
        kernel: { name: kernelName },
      });
      const kernel = new ServerKernel(session, [sessions, kernels]);
      await Promise.race([session.kernel!.info, kernel.death]);
      return kernel;
    } finally {
      console.debug = debug;
    }
  }

  /** Runs a cell; resolves when its reply and all of its output have arrived. */
  async execute(
    code: string,
    { onOutput }: { onOutput: OnOutput },
  ): ReturnType<CellExecutor['execute']> {
    const future = this.session.kernel!.requestExecute({
      code,
      allow_stdin: false,
      stop_on_error: true,
    });
    this.listeners.set(future.msg.header.msg_id, onOutput);
    const reply = await Promise.race([future.done, this.death]);
    const content = reply.content as unknown as ExecuteReplyContent;
    const { ename, evalue, traceback } = content;
    return {
      status: content.status === 'abort' ? 'aborted' : content.status,
      executionCount: content.execution_count ?? null,
      error: content.status === 'error' ? { ename, evalue, traceback } : null,
    };
  }

  /** Stops the running cell. */
  async interrupt(): Promise<void> {
    await this.session.kernel?.interrupt();
  }

  /** Gives the kernel up: the running cell fails. */
  giveUp(): void {
    this.died(new KernelDiedError('the kernel was ended'));
  }

  /** Ends the kernel and the connections. */
  async shutdown(): Promise<void> {
    await this.session.shutdown().catch(() => {});
    for (const manager of this.managers) manager.dispose();
  }
}
