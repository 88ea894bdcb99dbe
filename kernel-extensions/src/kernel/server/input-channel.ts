import type { Router } from 'zeromq';
import { createHeader, type Message, type MessageCodec } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';

/** Asks the client of a running cell for a line of text. */
export class InputChannel {
  private readonly sender: OrderedSender;
  private readonly waiting = new Map<string, (value: string) => void>();

  constructor(
    socket: Router,
    private readonly codec: MessageCodec,
    private readonly session: string,
  ) {
    this.sender = new OrderedSender(socket);
  }

  /** Sends an input_request to the client that sent `parent` and waits for its answer. */
  ask(parent: Message, prompt: string, password: boolean): Promise<string> {
    const header = createHeader('input_request', this.session);
    return new Promise((settle) => {
      this.waiting.set(header.msg_id, settle);
      this.sender.send(
        this.codec.encode({
          identities: parent.identities,
          header,
          parent_header: parent.header,
          metadata: {},
          content: { prompt, password },
          buffers: [],
        }),
      );
    });
  }

  /** Takes an input_reply; clients that do not name the request answer the oldest one. */
  receive(reply: Message): void {
    const id = reply.parent_header.msg_id;
    const key = this.waiting.has(id) ? id : this.waiting.keys().next().value;
    if (key === undefined) return;
    this.waiting.get(key)?.(String(reply.content.value ?? ''));
    this.waiting.delete(key);
  }
}
