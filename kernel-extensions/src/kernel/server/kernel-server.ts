import { randomUUID } from 'node:crypto';
import { Reply, Router, XPublisher } from 'zeromq';
import { channelAddress, type Channel, type ConnectionInfo } from '../protocol/connection-file';
import { createHeader, MessageCodec, type Message } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';
import { CellExecutor } from './cell-executor';
import type { EngineStarter } from './engine-starter';
import type { History } from './history';
import { InputChannel } from './input-channel';
import { Iopub } from './iopub';
import { kernelInfo } from './kernel-info';
import { RequestFlow, type ReplyContent, type RequestChannel } from './request-flow';
import { ShellRequests } from './shell-requests';

/**
 * A client that connects again has the identity of its old socket, of which the kernel may not have heard yet that it is closed:
 * without a handover the new one would never be answered.
 */
const ROUTER_OPTIONS = { linger: 1000, sendHighWaterMark: 0, handover: true };

/**
 * The Jupyter kernel as its clients see it: five sockets and the messages on them. User code runs in
 * another process (the engine), so this one always answers: heartbeats, interrupts and shutdown
 * reach it whatever a cell does.
 */
export class KernelServer {
  private readonly session = randomUUID();
  private readonly codec: MessageCodec;
  private readonly info = kernelInfo();
  private readonly shell = new Router(ROUTER_OPTIONS);
  private readonly control = new Router(ROUTER_OPTIONS);
  private readonly stdin = new Router({ ...ROUTER_OPTIONS, linger: 0 });
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
  private readonly requests = new RequestFlow({
    answer: (channel, request) =>
      channel === 'shell' ? this.answerShell(request) : this.answerControl(request),
    reply: (channel, request, content) => this.reply(channel, request, content),
    status: (state, request) => this.iopub.status(state, request),
    isOpenComm: (id) => this.executor.comms.has(id),
  });
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
      this.requests.abortCells(),
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
    void this.listen(this.shell, (request) => this.requests.receiveShell(request));
    void this.listen(this.control, (request) => this.requests.receiveControl(request));
    void this.listen(this.stdin, (message) => this.inputs.receive(message));
    await this.stopped;
    await this.executor.stop();
    this.requests.stop();
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

  private async answerShell(request: Message): Promise<ReplyContent | null> {
    if (request.header.msg_type === 'shutdown_request') return this.shutdown(request);
    return this.shellRequests.handle(request);
  }

  private async answerControl(request: Message): Promise<ReplyContent | null> {
    switch (request.header.msg_type) {
      case 'interrupt_request':
        this.executor.interrupt();
        return { status: 'ok' };
      case 'shutdown_request':
        return this.shutdown(request);
      case 'kernel_info_request':
        return this.info;
      default:
        return null;
    }
  }

  private reply(channel: RequestChannel, request: Message, content: ReplyContent): void {
    const type = request.header.msg_type.replace(/_request$/, '_reply');
    this.replies[channel].send(
      this.codec.encode({
        identities: request.identities,
        header: createHeader(type, this.session),
        parent_header: request.header,
        metadata: {},
        content,
        buffers: [],
      }),
    );
  }

  private shutdown(request: Message): ReplyContent {
    const content = { status: 'ok', restart: request.content.restart ?? false };
    this.iopub.publish('shutdown_reply', content, request);
    setImmediate(this.stop); // after the reply and the idle status are in their queues
    return content;
  }
}
