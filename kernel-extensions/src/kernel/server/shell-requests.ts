import type { Message } from '../protocol/message';
import type { CellExecutor } from './cell-executor';
import { toCodePoints, toUtf16Offset } from './code-points';
import type { History, HistoryQuery } from './history';

type Content = Record<string, unknown>;

/** Answers the requests of the shell channel, by message type. */
export class ShellRequests {
  constructor(
    private readonly executor: CellExecutor,
    private readonly history: History,
    private readonly info: Content,
  ) {}

  /** The content of the reply, or null where the protocol has none. */
  async handle(message: Message): Promise<Content | null> {
    const { content } = message;
    switch (message.header.msg_type) {
      case 'execute_request':
        return this.executor.execute(message);
      case 'kernel_info_request':
        await this.executor.warm;
        return this.info;
      case 'complete_request':
        return this.complete(String(content.code), Number(content.cursor_pos));
      case 'inspect_request':
        return this.inspect(String(content.code), Number(content.cursor_pos), content.detail_level);
      case 'is_complete_request':
        return this.isComplete(String(content.code));
      case 'history_request':
        return { status: 'ok', history: this.history.query(content as unknown as HistoryQuery) };
      case 'comm_info_request':
        return this.executor.comms.info(content.target_name);
      case 'comm_open':
      case 'comm_msg':
      case 'comm_close':
        this.executor.comms.receive(message);
        return null;
      default:
        return null;
    }
  }

  private async complete(code: string, cursor: number): Promise<Content> {
    const offset = toUtf16Offset(code, cursor);
    const reply = await this.executor.queries.query('complete', { code, cursor: offset });
    const { matches, start, end, kinds } = reply ?? {
      matches: [],
      start: offset,
      end: offset,
      kinds: [],
    };
    const cursor_start = toCodePoints(code, start);
    const cursor_end = toCodePoints(code, end);
    const types = matches.map((text, index) => ({
      text,
      type: kinds[index],
      start: cursor_start,
      end: cursor_end,
    }));
    const metadata = { _jupyter_types_experimental: types };
    return { status: 'ok', matches, cursor_start, cursor_end, metadata };
  }

  private async inspect(code: string, cursor: number, detail: unknown): Promise<Content> {
    const reply = await this.executor.queries.query('inspect', {
      code,
      cursor: toUtf16Offset(code, cursor),
      detail: Number(detail ?? 0),
    });
    return { status: 'ok', found: reply?.found ?? false, data: reply?.data ?? {}, metadata: {} };
  }

  private async isComplete(code: string): Promise<Content> {
    const reply = await this.executor.queries.query('isComplete', { code });
    return { ...(reply ?? { status: 'unknown' }) };
  }
}
