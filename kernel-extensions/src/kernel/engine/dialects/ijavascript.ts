import type { CellContext } from '../cell-context';
import type { MimeBundle } from '../../protocol/outputs';
import type { DialectHost } from './dialect';

/** What a cell has told `$$`. */
interface CellState {
  isAsync: boolean;
  /** Whether the cell's result was sent. */
  isShown: boolean;
  /** Settles an asynchronous cell. */
  settle(error?: unknown): void;
  settled: Promise<void>;
}

type Send = (bundle: MimeBundle) => void;

/** Older names for the same: what is assigned to them is shown when the cell ends. */
const ASSIGNED: Record<string, (value: string) => MimeBundle> = {
  $$html$$: (value) => ({ 'text/html': value }),
  $$svg$$: (value) => ({ 'image/svg+xml': value }),
  $$png$$: (value) => ({ 'image/png': value }),
  $$jpeg$$: (value) => ({ 'image/jpeg': value }),
  $$mime$$: (value) => value as unknown as MimeBundle,
};

/** ijavascript's `$$`: results of a type, and cells that end when they say so. */
export class IjavascriptCells {
  private readonly states = new WeakMap<CellContext, CellState>();

  constructor(
    private readonly host: DialectHost,
    private readonly format: (value: unknown) => Promise<MimeBundle>,
  ) {}

  readonly builtins: ReadonlyMap<string, () => unknown> = new Map<string, () => unknown>([
    ['$$', () => this.dollars()],
    ['$$async$$', () => this.state().isAsync],
    ['$$done$$', () => (value: unknown) => this.sendResult(this.host.currentCell(), value)],
    ['$$sendResult$$', () => (value: unknown) => this.sendResult(this.host.currentCell(), value)],
  ]);

  begin(cell: CellContext): void {
    let settle!: CellState['settle'];
    const settled = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error as Error));
    });
    settled.catch(() => {});
    this.states.set(cell, { isAsync: false, isShown: false, settle, settled });
  }

  /** Waits for an asynchronous cell, and shows what was assigned; true when the result was shown. */
  async end(cell: CellContext, takeName: (name: string) => unknown): Promise<boolean> {
    const state = this.state(cell);
    if (takeName('$$async$$') === true) state.isAsync = true;
    for (const [name, bundle] of Object.entries(ASSIGNED)) {
      const value = takeName(name);
      if (value !== undefined) this.show(cell, bundle(value as string));
    }
    if (state.isAsync && !state.isShown) await state.settled;
    return state.isShown || state.isAsync;
  }

  private state(cell = this.host.currentCell()): CellState {
    if (!this.states.has(cell)) this.begin(cell);
    return this.states.get(cell) as CellState;
  }

  private show(cell: CellContext, data: MimeBundle): void {
    const state = this.state(cell);
    state.isShown = true;
    this.host.publish(cell, {
      output_type: 'execute_result',
      data: { 'text/plain': plainTextOf(data), ...data },
      metadata: {},
      execution_count: cell.executionCount ?? 0,
    });
    state.settle();
  }

  private async sendResult(cell: CellContext, value: unknown): Promise<void> {
    if (value === undefined) return this.state(cell).settle();
    this.show(cell, await this.format(value));
  }

  private dollars() {
    const cell = this.host.currentCell();
    const { ask } = this.host;
    return {
      ...senders((bundle) => this.show(cell, bundle)),
      async: (isAsync = true) => void (this.state(cell).isAsync = isAsync),
      done: () => this.state(cell).settle(),
      sendResult: (value: unknown) => void this.sendResult(cell, value),
      sendError: (error: unknown) => this.state(cell).settle(error ?? new Error('unknown')),
      display: (id: string) => senders(this.updating(cell, id)),
      clear: (wait = false) => this.host.publish(cell, { output_type: 'clear_output', wait }),
      input: (
        { prompt = '', password = false }: { prompt?: string; password?: boolean } = {},
        callback?: (error: unknown, text?: string) => void,
      ) => {
        const answer = ask(prompt, password);
        if (!callback) return answer;
        answer.then(
          (text) => callback(null, text),
          (error: unknown) => callback(error),
        );
        return undefined;
      },
    };
  }

  /** A display that is shown once, and then updated. */
  private updating(cell: CellContext, id: string): Send {
    let isShown = false;
    return (data) => {
      this.host.publish(cell, {
        output_type: isShown ? 'update_display_data' : 'display_data',
        data: { 'text/plain': plainTextOf(data), ...data },
        metadata: {},
        transient: { display_id: id },
      });
      isShown = true;
    };
  }
}

function senders(send: Send) {
  const of = (type: string) => (text: unknown) => send({ [type]: text });
  return {
    mime: (bundle: MimeBundle) => send(bundle),
    text: of('text/plain'),
    html: of('text/html'),
    markdown: of('text/markdown'),
    svg: of('image/svg+xml'),
    png: of('image/png'),
    jpeg: of('image/jpeg'),
    json: of('application/json'),
    latex: of('text/latex'),
  };
}

/** Text for readers without pictures. */
function plainTextOf(data: MimeBundle): string {
  return `[${Object.keys(data).join(', ')}]`;
}
