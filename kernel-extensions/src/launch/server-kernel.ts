import { KernelConnection, ServerConnection, SessionAPI } from '@jupyterlab/services';
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

/** A kernel on a Jupyter server, driven as JupyterLab drives it: a session over HTTP and WebSocket. No manager of theirs, which would go on to ask what runs. */
export class ServerKernel implements CellExecutor {
  private readonly listeners = new Map<string, OnOutput>();
  private died!: (error: Error) => void;
  private readonly death = new Promise<never>((_, reject) => {
    this.died = reject;
  });

  private constructor(
    private readonly kernel: KernelConnection,
    /** Ends the session, and with it the kernel. */
    private readonly endSession: () => Promise<void>,
  ) {
    this.death.catch(() => {});
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

  /**
   * Starts a kernel for a notebook, whose path is relative to the server's root folder.
   *
   * @throws When it does not start, and the signal's reason once that is aborted; nothing is asked of the server after that.
   */
  static async start(
    server: JupyterServer,
    notebookPath: string,
    kernelName: string,
    signal: AbortSignal,
  ): Promise<ServerKernel> {
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: server.url,
      wsUrl: server.url.replace(/^http/, 'ws'),
      token: server.token,
      appendToken: true,
    });
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    let connection: KernelConnection | null = null;
    const { debug } = console;
    // @jupyterlab/services announces each connection on standard output, which belongs to the notebook.
    console.debug = () => {};
    try {
      signal.throwIfAborted();
      const wanted = { path: notebookPath, name: notebookPath, type: 'notebook' };
      const starting = SessionAPI.startSession(
        { ...wanted, kernel: { name: kernelName } },
        serverSettings,
      );
      const { id, kernel: model } = await Promise.race([starting, stopped]);
      connection = new KernelConnection({ model: model!, serverSettings });
      const kernel = new ServerKernel(connection, () =>
        SessionAPI.shutdownSession(id, serverSettings),
      );
      await Promise.race([connection.info, kernel.death, stopped]);
      return kernel;
    } catch (error) {
      connection?.dispose();
      throw error;
    } finally {
      console.debug = debug;
    }
  }

  /** Runs a cell; resolves when its reply and all of its output have arrived. */
  async execute(
    code: string,
    { onOutput }: { onOutput: OnOutput },
  ): ReturnType<CellExecutor['execute']> {
    const future = this.kernel.requestExecute({
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
    await this.kernel.interrupt();
  }

  /** Gives the kernel up: the running cell fails. */
  giveUp(): void {
    this.died(new KernelDiedError('the kernel was ended'));
  }

  /** Ends the kernel and the connection. */
  async shutdown(): Promise<void> {
    await this.endSession().catch(() => {});
    this.kernel.dispose();
  }
}
