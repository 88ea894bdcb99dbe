import type { XPublisher } from 'zeromq';
import { createHeader, type Message, type MessageCodec } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';
import type { CellOutput } from '../protocol/outputs';
import { OutputPace } from './output-pace';

/** Set to 1 by clients that take output at any speed. */
const UNPACED = 'FLOWBOOK_UNPACED';

/** The request that a published message belongs to; null for what belongs to none. */
export type Parent = Message | null;

/** The rarer parts of a published message. */
interface PublishExtra {
  topic?: Buffer;
  metadata?: Record<string, unknown>;
  buffers?: readonly Uint8Array[];
}

/** The broadcast channel: outputs and status, in order, to every client. */
export class Iopub {
  private readonly sender: OrderedSender;

  constructor(
    private readonly socket: XPublisher,
    private readonly codec: MessageCodec,
    private readonly session: string,
  ) {
    const pace = new OutputPace();
    this.sender = new OrderedSender(socket, (frames) => {
      if (process.env[UNPACED] === '1') return 0;
      const isStream = frames[0].toString().endsWith('.stream');
      return pace.delayFor(isStream ? frames.reduce((sum, frame) => sum + frame.length, 0) : 0);
    });
  }

  /** Greets each new subscriber (JEP 65), so that clients know when no output can be missed any more. */
  async welcomeSubscribers(): Promise<void> {
    for await (const [frame] of this.socket) {
      if (frame[0] !== 1) continue;
      const subscription = frame.subarray(1);
      this.publish('iopub_welcome', { subscription: subscription.toString() }, null, {
        topic: subscription,
      });
    }
  }

  publish(type: string, content: object, parent: Parent, extra: PublishExtra = {}): void {
    const { topic, metadata = {}, buffers = [] } = extra;
    this.sender.send(
      this.codec.encode({
        identities: [topic ?? Buffer.from(`kernel.${this.session}.${type}`)],
        header: createHeader(type, this.session),
        parent_header: parent?.header ?? {},
        metadata,
        content,
        buffers: buffers.map(asBuffer),
      }),
    );
  }

  status(state: 'starting' | 'busy' | 'idle', parent: Parent): void {
    this.publish('status', { execution_state: state }, parent);
  }

  output({ output_type, ...content }: CellOutput, parent: Parent): void {
    this.publish(output_type, content, parent);
  }

  flushed(): Promise<void> {
    return this.sender.flushed();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
