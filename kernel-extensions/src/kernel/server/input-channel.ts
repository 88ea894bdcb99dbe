import type { Router } from 'zeromq';
import { createHeader, type Message, type MessageCodec } from '../protocol/message';
import { OrderedSender } from '../protocol/ordered-sender';

/** Asks the client of a running cell for a line of text. */
export class InputChannel {
  private readonly sender: OrderedSender;
  /** Questions without an answer yet, oldest first. */
  private readonly waiting = new Map<
    string,
    { cell: string; settle(value: string): void; fail(error: Error): void }
  >();
  /** Questions that nobody waits for any more, although a client may still show them. */
  private readonly over = new Set<string>();

  constructor(
    socket: Router,
    private readonly codec: MessageCodec,
    private readonly session: string,
  ) {
    this.sender = new OrderedSender(socket);
  }

  /** Sends an input_request to the client that sent `parent` and waits for its answer; rejects where that is an error. */
  ask(parent: Message, prompt: string, password: boolean): Promise<string> {
    const header = createHeader('input_request', this.session);
    return new Promise((settle, fail) => {
      this.waiting.set(header.msg_id, { cell: parent.header.msg_id, settle, fail });
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
    if (this.over.delete(id)) return;
    const key = this.waiting.has(id) ? id : this.waiting.keys().next().value;
    if (key === undefined) return;
    const question = this.waiting.get(key);
    this.waiting.delete(key);
    const { status, evalue, value } = reply.content;
    if (status === 'error') question?.fail(new Error(String(evalue)));
    else question?.settle(String(value ?? ''));
  }

  /** Forgets the questions of one cell, or of all: whoever asked was interrupted, or is gone. */
  forget(cell?: Message): void {
    for (const [id, question] of this.waiting) {
      if (cell && question.cell !== cell.header.msg_id) continue;
      this.waiting.delete(id);
      this.over.add(id);
    }
  }
}
