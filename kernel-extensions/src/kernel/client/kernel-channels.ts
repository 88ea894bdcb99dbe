import { randomUUID } from 'node:crypto';
import type { Dealer, Subscriber } from 'zeromq';
import { channelAddress, type ConnectionInfo } from '../protocol/connection-file';
import { createHeader, MessageCodec, type Message } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';

export type RequestChannel = 'shell' | 'control' | 'stdin';

/** The client's end of a kernel's sockets: sends signed requests, hands every received message on. */
export class KernelChannels {
  readonly session = randomUUID();
  private readonly codec: MessageCodec;

  private constructor(
    connection: ConnectionInfo,
    private readonly sockets: Record<RequestChannel, Dealer> & { iopub: Subscriber },
    private readonly senders: Record<RequestChannel, OrderedSender>,
  ) {
    this.codec = new MessageCodec(connection.key);
  }

  static async connect(
    connection: ConnectionInfo,
    receive: (channel: RequestChannel | 'iopub', message: Message) => void,
  ): Promise<KernelChannels> {
    const { Dealer, Subscriber } = await import('zeromq');
    const options = { linger: 0, reconnectInterval: 20, receiveHighWaterMark: 0 };
    const routingId = randomUUID(); // the kernel asks for input under the identity of the shell
    const dealer = () => new Dealer({ ...options, routingId });
    const sockets = {
      shell: dealer(),
      control: dealer(),
      stdin: dealer(),
      iopub: new Subscriber(options),
    };
    sockets.iopub.subscribe();
    const channels = new KernelChannels(connection, sockets, {
      shell: new OrderedSender(sockets.shell),
      control: new OrderedSender(sockets.control),
      stdin: new OrderedSender(sockets.stdin),
    });
    for (const channel of ['shell', 'control', 'stdin', 'iopub'] as const) {
      sockets[channel].connect(channelAddress(connection, channel));
      void channels.listen(channel, receive);
    }
    return channels;
  }

  /** Sends a message and returns its header. */
  send(
    channel: RequestChannel,
    type: string,
    content: Record<string, unknown>,
    parent: Message['parent_header'] = {},
    extra: Partial<Pick<Message, 'metadata' | 'buffers'>> = {},
  ): Message['header'] {
    const header = createHeader(type, this.session, 'client');
    this.senders[channel].send(
      this.codec.encode({
        identities: [],
        header,
        parent_header: parent,
        metadata: {},
        content,
        buffers: [],
        ...extra,
      }),
    );
    return header;
  }

  /** Sends frames as they are, for tests of what a kernel must refuse. */
  sendRaw(channel: RequestChannel, frames: Buffer[]): void {
    this.senders[channel].send(frames);
  }

  close(): void {
    for (const socket of Object.values(this.sockets)) socket.close();
  }

  private async listen(
    channel: RequestChannel | 'iopub',
    receive: (channel: RequestChannel | 'iopub', message: Message) => void,
  ): Promise<void> {
    for await (const frames of this.sockets[channel]) {
      try {
        receive(channel, this.codec.decode(frames));
      } catch (error) {
        process.stderr.write(`A message of the kernel was dropped: ${(error as Error).message}\n`);
      }
    }
  }
}
