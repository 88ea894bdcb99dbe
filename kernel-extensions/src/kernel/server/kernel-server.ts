import { randomUUID } from 'node:crypto';
import { Reply, Router, XPublisher } from 'zeromq';
import { channelAddress, type Channel, type ConnectionInfo } from '../protocol/connection-file';
import { createHeader, MessageCodec, type Message } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';
import { CellExecutor } from './cell-executor';
import type { EngineStarter } from './engine-starter';
import type { History } from './history';
import { isCommMessage } from './comm-channel';
import { InputChannel } from './input-channel';
import { Iopub } from './iopub';
import { kernelInfo } from './kernel-info';
import { RequestQueue } from './request-queue';
import { ShellRequests } from './shell-requests';

/** Requests that change nothing: they are answered while a cell runs. */
const ANSWERED_AT_ONCE: ReadonlySet<string> = new Set([
  'kernel_info_request',
  'complete_request',
  'inspect_request',
  'is_complete_request',
  'history_request',
  'comm_info_request',
]);

/**
 * The Jupyter kernel as its clients see it: five sockets and the messages on them. User code runs in
 * another process (the engine), so this one always answers: heartbeats, interrupts and shutdown
 * reach it whatever a cell does.
 */
export class KernelServer {
  private readonly session = randomUUID();
  private readonly codec: MessageCodec;
  private readonly info = kernelInfo();
  private readonly shell = new Router({ linger: 1000, sendHighWaterMark: 0 });
  private readonly control = new Router({ linger: 1000, sendHighWaterMark: 0 });
  private readonly stdin = new Router({ linger: 0, sendHighWaterMark: 0 });
  private readonly heartbeat = new Reply({ linger: 0 });
  private readonly publisher = new XPublisher({ linger: 1000, sendHighWaterMark: 0 });
  private readonly replies = {
    shell: new OrderedSender(this.shell),
    control: new OrderedSender(this.control),
  };
  private readonly iopub: Iopub;
  private readonly inputs: InputChannel;
  private readonly executor: CellExecutor;
  private readonly shellRequests: ShellRequests;
  private readonly queue = new RequestQueue((message, aborted) =>
    this.handleShell(message, aborted),
  );
  private readonly stopped: Promise<void>;
  private stop!: () => void;

  constructor(
    private readonly connection: ConnectionInfo,
    history: History,
    starter: EngineStarter,
  ) {
    this.codec = new MessageCodec(connection.key);
    this.iopub = new Iopub(this.publisher, this.codec, this.session);
    this.inputs = new InputChannel(this.stdin, this.codec, this.session);
    this.executor = new CellExecutor(this.iopub, this.inputs, history, starter, () =>
      this.queue.abortCells(),
    );
    this.shellRequests = new ShellRequests(this.executor, history, this.info);
    this.stopped = new Promise((settle) => (this.stop = settle));
  }

  /** Serves until a shutdown_request has been answered. */
  async serve(): Promise<void> {
    this.publisher.verbosity = 'allSubs';
    await Promise.all([
      this.bind(this.shell, 'shell'),
      this.bind(this.control, 'control'),
      this.bind(this.stdin, 'stdin'),
      this.bind(this.heartbeat, 'hb'),
      this.bind(this.publisher, 'iopub'),
    ]);
    void this.iopub.welcomeSubscribers();
    this.iopub.status('starting', null);
    void this.echoHeartbeats();
    void this.listen(this.shell, (message) => this.receiveShell(message));
    void this.listen(this.control, (message) => void this.handleControl(message));
    void this.listen(this.stdin, (message) => this.inputs.receive(message));
    await this.stopped;
    await this.executor.stop();
    await Promise.all([
      this.iopub.flushed(),
      this.replies.shell.flushed(),
      this.replies.control.flushed(),
    ]);
    for (const socket of [this.shell, this.control, this.stdin, this.heartbeat, this.publisher]) {
      socket.close();
    }
  }

  private async bind(
    socket: { bind(address: string): Promise<void> },
    channel: Channel,
  ): Promise<void> {
    const address = channelAddress(this.connection, channel);
    await socket.bind(address).catch((error: Error) => {
      throw new Error(
        `Cannot start the kernel as the address that it was given for ${channel} must be free: ${address} (${error.message})`,
      );
    });
  }

  private async listen(socket: Router, receive: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      try {
        receive(this.codec.decode(frames));
      } catch (error) {
        process.stderr.write(`A message was dropped: ${(error as Error).message}\n`);
      }
    }
  }

  private async echoHeartbeats(): Promise<void> {
    for await (const frames of this.heartbeat) await this.heartbeat.send(frames);
  }

  /** Cells run one after another; what only asks, and messages on open comms, need not wait for them. */
  private receiveShell(message: Message): void {
    const { header, content } = message;
    const atOnce = isCommMessage(message)
      ? header.msg_type !== 'comm_open' && this.executor.comms.has(content.comm_id)
      : ANSWERED_AT_ONCE.has(header.msg_type) && this.queue.isRunningCell;
    if (atOnce) void this.handleShell(message, false);
    else this.queue.push(message);
  }

  private async handleShell(message: Message, aborted: boolean): Promise<void> {
    await this.answer('shell', message, async () => {
      if (aborted) return { status: 'aborted' };
      if (message.header.msg_type === 'shutdown_request') return this.shutdown(message);
      return this.shellRequests.handle(message);
    });
  }

  private async handleControl(message: Message): Promise<void> {
    await this.answer('control', message, async () => {
      switch (message.header.msg_type) {
        case 'interrupt_request':
          this.executor.interrupt();
          return { status: 'ok' };
        case 'shutdown_request':
          return this.shutdown(message);
        case 'kernel_info_request':
          return this.info;
        default:
          return null;
      }
    });
  }

  /** Publishes busy, replies with what `work` returns (null: no reply), publishes idle. */
  private async answer(
    channel: 'shell' | 'control',
    message: Message,
    work: () => Promise<Record<string, unknown> | null>,
  ): Promise<void> {
    this.iopub.status('busy', message);
    const content = await work().catch((error: Error) => ({
      status: 'error',
      ename: error.name,
      evalue: error.message,
      traceback: [String(error.stack)],
    }));
    if (content) {
      const type = message.header.msg_type.replace(/_request$/, '_reply');
      this.replies[channel].send(
        this.codec.encode({
          identities: message.identities,
          header: createHeader(type, this.session),
          parent_header: message.header,
          metadata: {},
          content,
          buffers: [],
        }),
      );
    }
    this.iopub.status('idle', message);
    // Clients show the last status they saw: a cell that runs on is said again.
    const { running } = this.queue;
    if (running && running !== message) this.iopub.status('busy', running);
  }

  private shutdown(message: Message): Record<string, unknown> {
    const content = { status: 'ok', restart: message.content.restart ?? false };
    this.iopub.publish('shutdown_reply', content, message);
    setImmediate(this.stop); // after the reply and the idle status are in their queues
    return content;
  }
}
