import type { Message } from '../protocol/message';
import { isCommMessage } from './comm-channel';
import { RequestQueue } from './request-queue';

export type RequestChannel = 'shell' | 'control';

/** The content of a reply. */
export type ReplyContent = Record<string, unknown>;

/** What the flow of requests needs from the rest of the kernel. */
export interface RequestParts {
  /** The content of the reply to a request, or null where the protocol has none. */
  answer(channel: RequestChannel, request: Message): Promise<ReplyContent | null>;
  reply(channel: RequestChannel, request: Message, content: ReplyContent): void;
  /** Tells every client. */
  status(state: 'busy' | 'idle', request: Message): void;
  isOpenComm(id: unknown): boolean;
}

/** Requests that change nothing: they are answered while a cell runs. */
const ANSWERED_AT_ONCE: ReadonlySet<string> = new Set([
  'kernel_info_request',
  'complete_request',
  'inspect_request',
  'is_complete_request',
  'history_request',
  'comm_info_request',
]);

/** Takes requests as they come: which wait for their turn, and what is said of each: busy, its reply, idle. */
export class RequestFlow {
  private readonly queue = new RequestQueue((request, aborted) =>
    this.take('shell', request, aborted),
  );
  /** The cell that was said to be busy, until it is said to be idle: the queue lets go of it some steps later. */
  private busyCell: Message | null = null;

  constructor(private readonly parts: RequestParts) {}

  /** Cells run one after another; what only asks, and messages on open comms, need not wait for them. */
  receiveShell(request: Message): void {
    if (this.isAnsweredAtOnce(request)) void this.take('shell', request, false);
    else this.queue.push(request);
  }

  receiveControl(request: Message): void {
    void this.take('control', request, false);
  }

  /** The cells that wait now will be answered as aborted, not run. */
  abortCells(): void {
    this.queue.abortCells();
  }

  /** The process of the cells has ended, and with it the cell that ran: there will be no reply to that one. */
  stop(): void {
    if (this.busyCell) this.parts.status('idle', this.busyCell);
    this.busyCell = null;
  }

  private isAnsweredAtOnce(request: Message): boolean {
    const { header, content } = request;
    if (!isCommMessage(request)) {
      return ANSWERED_AT_ONCE.has(header.msg_type) && this.queue.holdsCell;
    }
    // Messages on a comm stay in order: one may wait since before its comm was open.
    const isEarlier = (other: Message) =>
      isCommMessage(other) && other.content.comm_id === content.comm_id;
    return (
      header.msg_type !== 'comm_open' &&
      this.parts.isOpenComm(content.comm_id) &&
      !this.queue.isWaiting(isEarlier)
    );
  }

  private async take(channel: RequestChannel, request: Message, aborted: boolean): Promise<void> {
    this.begin(channel, request);
    const content = aborted ? { status: 'aborted' } : await this.answer(channel, request);
    if (content) this.parts.reply(channel, request, content);
    this.end(request);
  }

  private async answer(channel: RequestChannel, request: Message): Promise<ReplyContent | null> {
    try {
      return await this.parts.answer(channel, request);
    } catch (thrown) {
      const { name, message, stack } = thrown as Error;
      return { status: 'error', ename: name, evalue: message, traceback: [String(stack)] };
    }
  }

  private begin(channel: RequestChannel, request: Message): void {
    if (channel === 'shell' && request.header.msg_type === 'execute_request') {
      this.busyCell = request;
    }
    this.parts.status('busy', request);
  }

  private end(request: Message): void {
    if (this.busyCell === request) this.busyCell = null;
    this.parts.status('idle', request);
    // Clients show the last status they saw: a cell that runs on is said again.
    if (this.busyCell) this.parts.status('busy', this.busyCell);
  }
}
