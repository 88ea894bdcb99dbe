import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** Version of the Jupyter messaging protocol that the kernel speaks. */
export const PROTOCOL_VERSION = '5.4';

const DELIMITER = '<IDS|MSG>';

export interface MessageHeader {
  msg_id: string;
  session: string;
  username: string;
  date: string;
  msg_type: string;
  version: string;
}

/** One message of the Jupyter protocol, decoded. */
export interface Message<Content = Record<string, unknown>> {
  /** Routing frames: the peer's identity on a router socket, the topic on iopub. */
  identities: Buffer[];
  header: MessageHeader;
  parent_header: MessageHeader | Record<string, never>;
  metadata: Record<string, unknown>;
  content: Content;
  buffers: Buffer[];
}

/** A header for a new message of `session`. */
export function createHeader(type: string, session: string, username = 'kernel'): MessageHeader {
  return {
    msg_id: randomUUID(),
    session,
    username,
    date: new Date().toISOString(),
    msg_type: type,
    version: PROTOCOL_VERSION,
  };
}

/** Signs and checks messages with the connection file's key (HMAC-SHA256; an empty key signs nothing). */
export class MessageCodec {
  constructor(private readonly key: string) {}

  /** The frames of a message, in the order they go over the wire. */
  encode(message: Message<unknown>): Buffer[] {
    const parts = [message.header, message.parent_header, message.metadata, message.content].map(
      (part) => Buffer.from(JSON.stringify(part)),
    );
    return [
      ...message.identities,
      Buffer.from(DELIMITER),
      Buffer.from(this.sign(parts)),
      ...parts,
      ...message.buffers,
    ];
  }

  /** The message in `frames`; throws when it is malformed or its signature is wrong. */
  decode(frames: Buffer[]): Message {
    const delimiter = frames.findIndex((frame) => frame.toString('latin1') === DELIMITER);
    if (delimiter < 0 || frames.length < delimiter + 6) {
      throw new Error(
        `Cannot read a message as it must have a delimiter and five parts: ${frames.length} frames`,
      );
    }
    const signature = frames[delimiter + 1];
    const parts = frames.slice(delimiter + 2, delimiter + 6);
    const expected = Buffer.from(this.sign(parts));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new Error(
        'Cannot accept a message as its signature must match the key of the connection file',
      );
    }
    const [header, parent_header, metadata, content] = parts.map((part) =>
      JSON.parse(part.toString('utf8')),
    );
    return {
      identities: frames.slice(0, delimiter),
      header,
      parent_header,
      metadata,
      content,
      buffers: frames.slice(delimiter + 6),
    };
  }

  private sign(parts: Buffer[]): string {
    if (this.key === '') return '';
    const hmac = createHmac('sha256', this.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }
}
