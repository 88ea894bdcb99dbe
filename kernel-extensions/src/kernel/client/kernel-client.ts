import { inspect } from 'node:util';
import type { Message } from '../protocol/message';
import {
  outputOfMessage,
  type CellOutput,
  type ErrorContent,
  type ExpressionResult,
} from '../protocol/outputs';
import { KernelChannels, type RequestChannel } from './kernel-channels';
import { KernelProcess, type KernelProcessOptions } from './kernel-process';

/** How a kernel is started. */
export interface KernelClientOptions extends KernelProcessOptions {
  /** How long the kernel may take to answer its first request, in milliseconds. */
  startTimeoutMs?: number;
  /** Ends the kernel while it starts; no longer heeded after that. */
  signal?: AbortSignal;
}

/** How a cell is run; what is left out is as a notebook has it. */
export interface ExecuteOptions {
  /** Publish neither the code, its value nor its error, and count nothing. Default false. */
  silent?: boolean;
  /** Count the cell, and keep it in the history. Default true. */
  storeHistory?: boolean;
  /** Have the cells that wait aborted when this one fails. Default true. */
  stopOnError?: boolean;
  /** What is evaluated after the cell, by name. */
  userExpressions?: Record<string, string>;
  /**
   * Called for each output as it arrives, also for what callbacks of the cell print after it ended. `execute` rejects with what it
   * throws; thrown after the cell's end, that is told on stderr.
   */
  onOutput?: (output: CellOutput) => void;
  /** Answers `await input(prompt)`, which rejects with what it throws; without it a cell that asks for input fails. */
  onInput?: (prompt: string, password: boolean) => string | Promise<string>;
}

/** What became of a cell. */
export interface ExecuteResult {
  /** 'aborted' when it was not run, as one before it had failed. */
  status: 'ok' | 'error' | 'aborted';
  /** The number of the last cell that was counted, this one included; null when it was aborted. */
  executionCount: number | null;
  /** In order of arrival, complete: the kernel was idle again when this was returned. */
  outputs: CellOutput[];
  /** null unless it failed. */
  error: ErrorContent | null;
  /** By the names that were asked for. */
  userExpressions: Record<string, ExpressionResult>;
}

/** How long a kernel's greeting is waited for before it is asked. */
const GREETING_MS = 100;

interface PendingRequest {
  reply?: Message;
  idle: boolean;
  needsIdle: boolean;
  settle: (reply: Message) => void;
  fail: (error: unknown) => void;
}

/**
 * Drives a Jupyter kernel over ZeroMQ, without Python and without a server.
 *
 * @example
 * const kernel = await KernelClient.start({ cwd: 'notebooks' });
 * const { outputs } = await kernel.execute('1 + 1');
 * outputs; // [{ output_type: 'execute_result', data: { 'text/plain': '2' } }]
 * await kernel.shutdown();
 */
export class KernelClient {
  /** The content of the kernel's first kernel_info_reply. */
  info: Record<string, unknown> = {};
  private channels!: KernelChannels;
  private ended: string | null = null;
  private isClosed = false;
  private readonly pending = new Map<string, PendingRequest>();
  private readonly cells = new Map<string, ExecuteOptions & { outputs: CellOutput[] }>();
  private readonly listeners = new Set<(message: Message) => void>();
  /** Asks again and again until the kernel is heard. */
  private asking: NodeJS.Timeout | undefined;

  private constructor(private readonly process: KernelProcess) {
    void process.ended.then((reason) => {
      this.ended = reason;
      for (const request of this.pending.values()) request.fail(this.endedError());
      this.pending.clear();
    });
  }

  /**
   * Starts a kernel and returns once it answers and no output of the first cell can be missed.
   *
   * @throws When it ends or does not answer in time, and the signal's reason once that is aborted; its process is ended then.
   */
  static async start(options: KernelClientOptions = {}): Promise<KernelClient> {
    const { signal, startTimeoutMs: timeoutMs = 60_000 } = options;
    signal?.throwIfAborted();
    const client = new KernelClient(await KernelProcess.start(options));
    let timer: NodeJS.Timeout | undefined;
    let stop = () => {};
    const stopped = new Promise<never>((_, fail) => {
      stop = () => fail(signal?.reason);
      const late = `Cannot start the kernel as it must answer in ${timeoutMs} ms`;
      timer = setTimeout(() => fail(new Error(late)), timeoutMs);
    });
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      await Promise.race([
        client.connect(),
        stopped,
        client.process.ended.then(() => Promise.reject(client.endedError())),
      ]);
    } catch (error) {
      client.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
    return client;
  }

  /** Process id of the kernel. */
  get pid(): number {
    return this.process.pid;
  }

  /** Runs a cell; resolves when the reply and all its output have arrived. Cells queue in the kernel. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const cell = { ...options, outputs: [] as CellOutput[] };
    const reply = await this.request(
      'shell',
      'execute_request',
      {
        code,
        silent: options.silent ?? false,
        store_history: options.storeHistory ?? true,
        user_expressions: options.userExpressions ?? {},
        allow_stdin: options.onInput !== undefined,
        stop_on_error: options.stopOnError ?? true,
      },
      (id) => this.cells.set(id, cell),
    );
    const content = reply.content as unknown as ErrorContent & {
      status: ExecuteResult['status'];
      execution_count?: number;
      user_expressions?: Record<string, ExpressionResult>;
    };
    return {
      status: content.status,
      executionCount: content.execution_count ?? null,
      outputs: [...cell.outputs],
      error:
        content.status === 'error'
          ? { ename: content.ename, evalue: content.evalue, traceback: content.traceback }
          : null,
      userExpressions: content.user_expressions ?? {},
    };
  }

  /** Stops the running cell; resolves when the kernel has taken the request, not when the cell ended. */
  async interrupt(): Promise<void> {
    await this.request('control', 'interrupt_request', {});
  }

  /**
   * Asks what could stand at a place in a cell's code.
   *
   * @param cursor Characters before the place, counted in Unicode code points as Jupyter does.
   * @returns Texts that may replace the characters from `cursor_start` to `cursor_end`.
   * @throws When the kernel has ended, or ends before it answers.
   */
  async complete(
    code: string,
    cursor: number,
  ): Promise<{ matches: string[]; cursor_start: number; cursor_end: number }> {
    const reply = await this.request('shell', 'complete_request', { code, cursor_pos: cursor });
    return reply.content as never;
  }

  /**
   * Asks what the name at a place in a cell's code is: its type and documentation.
   *
   * @param cursor Characters before the place, counted in Unicode code points as Jupyter does.
   * @param detailLevel 0 for what Shift+Tab shows, 1 for all that is known.
   * @returns `found`, and by MIME type what is shown.
   * @throws When the kernel has ended, or ends before it answers.
   */
  async inspect(
    code: string,
    cursor: number,
    detailLevel: 0 | 1 = 0,
  ): Promise<{ found: boolean; data: Record<string, string> }> {
    const content = { code, cursor_pos: cursor, detail_level: detailLevel };
    const reply = await this.request('shell', 'inspect_request', content);
    return reply.content as never;
  }

  /** Sends any request; resolves with the reply, after the kernel has said that it is idle again. */
  request(
    channel: RequestChannel,
    type: string,
    content: Record<string, unknown>,
    beforeSend?: (id: string) => void,
  ): Promise<Message> {
    if (this.ended !== null) return Promise.reject(this.endedError());
    return new Promise((settle, fail) => {
      // Both kinds publish their status; shutdown_request may take iopub away before it is read.
      const needsIdle = type !== 'shutdown_request';
      const header = this.channels.send(channel, type, content);
      this.pending.set(header.msg_id, { idle: false, needsIdle, settle, fail });
      beforeSend?.(header.msg_id);
    });
  }

  /** Sends a comm message; what the kernel sends on comms comes to `onIopub`. */
  sendComm(
    type: 'comm_open' | 'comm_msg' | 'comm_close',
    content: Record<string, unknown>,
    extra: Partial<Pick<Message, 'metadata' | 'buffers'>> = {},
  ): void {
    this.channels.send('shell', type, content, {}, extra);
  }

  /** Sends frames as they are, to test what a kernel must refuse. */
  sendRaw(channel: RequestChannel, frames: Buffer[]): void {
    this.channels.sendRaw(channel, frames);
  }

  /** Calls `listener` with every message on iopub until the returned function is called. What it throws is told on stderr. */
  onIopub(listener: (message: Message) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Asks the kernel to end and waits; ends its process by its id if it does not. */
  async shutdown(): Promise<void> {
    if (this.ended === null) {
      const asked = this.request('control', 'shutdown_request', { restart: false }).catch(() => {});
      await Promise.race([asked, this.process.ended, delay(3000)]);
      await Promise.race([this.process.ended, delay(3000)]);
    }
    this.kill();
    await this.process.ended;
  }

  /** Ends the kernel process at once. */
  kill(): void {
    this.isClosed = true;
    clearInterval(this.asking);
    this.process.kill();
    this.channels?.close();
  }

  private async connect(): Promise<void> {
    let welcomed: () => void = () => {};
    const subscribed = new Promise<void>((settle) => (welcomed = settle));
    const channels = await KernelChannels.connect(this.process.connection, (channel, message) => {
      if (channel === 'iopub') {
        welcomed(); // any message on iopub proves the subscription
        this.receiveOutput(message);
      } else if (channel === 'stdin') void this.answerInput(message);
      else this.receiveReply(message);
    });
    if (this.isClosed) return channels.close(); // it ended meanwhile
    this.channels = channels;
    // Kernels that greet no subscriber (JEP 65) publish their status when they are asked something.
    const ask = () => this.channels.send('shell', 'kernel_info_request', {});
    this.asking = setInterval(ask, GREETING_MS);
    await subscribed;
    clearInterval(this.asking);
    this.info = (await this.request('shell', 'kernel_info_request', {})).content;
  }

  private receiveReply(message: Message): void {
    const request = this.pending.get(message.parent_header.msg_id);
    if (!request) return;
    request.reply = message;
    this.settle(message.parent_header.msg_id, request);
  }

  private receiveOutput(message: Message): void {
    for (const listener of this.listeners) {
      try {
        listener(message);
      } catch (error) {
        process.stderr.write(`A listener to the kernel failed: ${inspect(error)}\n`);
      }
    }
    const id = message.parent_header.msg_id;
    if (message.header.msg_type === 'status') {
      const request = this.pending.get(id);
      if (!request || message.content.execution_state !== 'idle') return;
      request.idle = true;
      this.settle(id, request);
      return;
    }
    const cell = this.cells.get(id);
    const output = cell && outputOfMessage(message);
    if (!cell || !output) return;
    cell.outputs.push(output);
    try {
      cell.onOutput?.(output);
    } catch (error) {
      const request = this.pending.get(id);
      if (request) request.fail(error);
      else process.stderr.write(`A listener to the kernel failed: ${inspect(error)}\n`);
    }
  }

  private settle(id: string, request: PendingRequest): void {
    if (!request.reply || (request.needsIdle && !request.idle)) return;
    this.pending.delete(id);
    request.settle(request.reply);
  }

  private async answerInput(message: Message): Promise<void> {
    const cell = this.cells.get(message.parent_header.msg_id);
    const { prompt, password } = message.content as { prompt: string; password: boolean };
    const reply = (content: Record<string, unknown>) =>
      this.channels.send('stdin', 'input_reply', content, message.header);
    try {
      reply({ status: 'ok', value: (await cell?.onInput?.(prompt, password)) ?? '' });
    } catch (error) {
      const { name: ename, message: evalue } =
        error instanceof Error ? error : { name: 'Error', message: String(error) };
      reply({ status: 'error', value: '', ename, evalue });
    }
  }

  private endedError(): Error {
    return new Error(`Cannot use the kernel as it must be running: ${this.ended}`);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms).unref());
}
