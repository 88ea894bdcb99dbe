import type { CommTraffic } from '../engine-messages';
import type { Message } from '../protocol/message';
import type { Iopub, Parent } from './iopub';

const TYPES: ReadonlySet<string> = new Set(['comm_open', 'comm_msg', 'comm_close']);

/** Whether a request belongs to a comm. */
export function isCommMessage(message: Message): boolean {
  return TYPES.has(message.header.msg_type);
}

/** Passes comm messages between clients and cells, and knows which comms are open. */
export class CommChannel {
  /** Comm id -> target name. */
  private readonly open = new Map<string, string>();

  constructor(
    private readonly iopub: Iopub,
    private readonly toEngine: (traffic: CommTraffic) => void,
  ) {}

  has(id: unknown): boolean {
    return this.open.has(String(id));
  }

  /** A client's message. */
  receive({ header, content, metadata, buffers }: Message): void {
    const traffic: CommTraffic = {
      type: header.msg_type as CommTraffic['type'],
      id: String(content.comm_id),
      cell: 0,
      data: (content.data as Record<string, unknown>) ?? {},
      metadata,
      buffers,
    };
    if (traffic.type === 'comm_open') traffic.targetName = String(content.target_name);
    this.note(traffic);
    this.toEngine(traffic);
  }

  /** A cell's message; `parent` is the request of that cell. */
  publish(traffic: CommTraffic, parent: Parent): void {
    this.note(traffic);
    const { type, id, targetName, data, metadata, buffers } = traffic;
    const content = {
      comm_id: id,
      ...(targetName === undefined ? {} : { target_name: targetName }),
      data,
    };
    this.iopub.publish(type, content, parent, { metadata, buffers });
  }

  /** The cells' process is gone, and with it the other ends of all comms. */
  closeAll(): void {
    for (const id of this.open.keys()) {
      this.iopub.publish('comm_close', { comm_id: id, data: {} }, null);
    }
    this.open.clear();
  }

  /** The content of a comm_info_reply. */
  info(targetName: unknown): Record<string, unknown> {
    const entries = [...this.open].filter(([, name]) => !targetName || name === targetName);
    const comms = Object.fromEntries(entries.map(([id, name]) => [id, { target_name: name }]));
    return { status: 'ok', comms };
  }

  private note({ type, id, targetName = '' }: CommTraffic): void {
    if (type === 'comm_open') this.open.set(id, targetName);
    else if (type === 'comm_close') this.open.delete(id);
  }
}
