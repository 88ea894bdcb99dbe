import { inspect } from 'node:util';
import type { CellContext } from '../cell-context';
import type { MimeBundle } from '../../../display/bundle';
import type { DialectHost } from './dialect';

/** What a cell has told `$$`. */
interface CellState {
  isAsync: boolean;
  /** Whether the cell has given its last result. */
  isDone: boolean;
  /** Settles an asynchronous cell. */
  settle(error?: unknown): void;
  settled: Promise<void>;
}

/** Shows a result; with `keepAlive` others may follow. */
type Send = (bundle: MimeBundle, keepAlive?: boolean) => void;

/** Older names for the same: what is assigned to them is shown. */
const ASSIGNED: Record<string, (value: unknown) => MimeBundle> = {
  $$html$$: (value) => ({ 'text/html': value }),
  $$svg$$: (value) => ({ 'image/svg+xml': value }),
  $$png$$: (value) => ({ 'image/png': value }),
  $$jpeg$$: (value) => ({ 'image/jpeg': value }),
  $$mime$$: (value) => value as MimeBundle,
};

/** ijavascript's `$$`: results of a type, and cells that end when they say so. */
export class IjavascriptCells {
  private readonly states = new WeakMap<CellContext, CellState>();

  constructor(
    private readonly host: DialectHost,
    private readonly format: (value: unknown) => Promise<MimeBundle>,
  ) {}

  /** Names that are global in ijavascript. */
  readonly names = ['$$', '$$async$$', '$$done$$', '$$sendResult$$', ...Object.keys(ASSIGNED)];

  /** Makes `$$` and its like global, so that `global.$$` and functions of other files find them, too. */
  install(target: object = globalThis): void {
    const define = (name: string, property: PropertyDescriptor) =>
      Object.defineProperty(target, name, { configurable: true, ...property });
    const redefine = (name: string) => (value: unknown) =>
      define(name, { writable: true, enumerable: true, value }); // a notebook's own global of that name
    const sendResult = () => this.dollars().sendResult;
    define('$$', { get: () => this.dollars(), set: redefine('$$') });
    define('$$done$$', { get: sendResult, set: redefine('$$done$$') });
    define('$$sendResult$$', { get: sendResult, set: redefine('$$sendResult$$') });
    define('$$async$$', {
      get: () => this.state().isAsync,
      set: (isAsync: unknown) => (this.state().isAsync = Boolean(isAsync)),
    });
    for (const [name, bundle] of Object.entries(ASSIGNED)) {
      const show = this.whenKnown(this.host.currentCell, (value, keepAlive) =>
        this.show(this.host.currentCell(), bundle(value), keepAlive),
      );
      define(name, { get: () => undefined, set: (value: unknown) => show(value) });
    }
  }

  begin(cell: CellContext): void {
    let settle!: CellState['settle'];
    const settled = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error as Error));
    });
    settled.catch(() => {});
    this.states.set(cell, { isAsync: false, isDone: false, settle, settled });
  }

  /** Whether the cell shows its results itself. */
  hasShown(cell: CellContext): boolean {
    const { isAsync, isDone } = this.state(cell);
    return isAsync || isDone;
  }

  /** Waits for an asynchronous cell. */
  async end(cell: CellContext): Promise<void> {
    const { isAsync, isDone, settled } = this.state(cell);
    if (isAsync || isDone) await settled;
  }

  private state(cell = this.host.currentCell()): CellState {
    if (!this.states.has(cell)) this.begin(cell);
    return this.states.get(cell) as CellState;
  }

  /** Shows a result, unless the cell has given its last one. */
  private show(cell: CellContext, data: MimeBundle, keepAlive = false): void {
    const state = this.state(cell);
    if (state.isDone) return;
    this.host.publish(cell, {
      output_type: 'execute_result',
      data: { 'text/plain': plainTextOf(data), ...data },
      metadata: {},
      execution_count: cell.executionCount ?? 0,
    });
    if (keepAlive) state.isAsync = true;
    else this.finish(cell);
  }

  private finish(cell: CellContext, error?: unknown): void {
    const state = this.state(cell);
    state.isDone = true;
    state.settle(error);
  }

  private async sendResult(cell: CellContext, value: unknown, keepAlive?: boolean): Promise<void> {
    if (value !== undefined) this.show(cell, await this.format(value), keepAlive);
    else if (!keepAlive) this.finish(cell);
  }

  /** Takes a promise in place of a value, and makes its cell wait for it. */
  private whenKnown<T>(
    cellOf: () => CellContext,
    send: (value: T, keepAlive?: boolean) => void,
  ): (value: T | Promise<T>, keepAlive?: boolean) => void {
    return (value, keepAlive) => {
      if (!(value instanceof Promise)) return send(value, keepAlive);
      const cell = cellOf();
      this.state(cell).isAsync = true;
      value.then(
        (known) => send(known, keepAlive),
        (error: unknown) => this.finish(cell, asError(error)),
      );
    };
  }

  private dollars() {
    const cell = this.host.currentCell();
    const { ask } = this.host;
    const known = <T>(send: (value: T, keepAlive?: boolean) => void) =>
      this.whenKnown(() => cell, send);
    return {
      ...senders((bundle, keepAlive) => this.show(cell, bundle, keepAlive), known),
      async: (isAsync = true) => (this.state(cell).isAsync = isAsync),
      done: (value?: unknown) => void this.sendResult(cell, value),
      sendResult: known(
        (value: unknown, keepAlive) => void this.sendResult(cell, value, keepAlive),
      ),
      sendError: known((error: unknown) => this.finish(cell, asError(error))),
      display: (id?: string) => ({ ...senders(this.displaying(cell, id)), close: () => {} }),
      clear: ({ wait = false }: { wait?: boolean } = {}) =>
        this.host.publish(cell, { output_type: 'clear_output', wait }),
      input: (
        { prompt = '', password = false }: { prompt?: string; password?: boolean } = {},
        callback?: (error: unknown, text?: string) => void,
      ) => {
        this.state(cell).isAsync = true;
        const answer = ask(prompt, password);
        answer.then(
          (text) => callback?.(null, text),
          (error: unknown) => this.finish(cell, error),
        );
        return answer;
      },
    };
  }

  /** A display; one with a name is shown once, and then updated. */
  private displaying(cell: CellContext, id?: string): Send {
    let isShown = false;
    return (data) => {
      this.host.publish(cell, {
        output_type: isShown && id !== undefined ? 'update_display_data' : 'display_data',
        data: { 'text/plain': plainTextOf(data), ...data },
        metadata: {},
        transient: id === undefined ? {} : { display_id: id },
      });
      isShown = true;
    };
  }
}

function senders(
  send: Send,
  known: <T>(send: (value: T, keepAlive?: boolean) => void) => unknown = (one) => one,
) {
  const of = (type: string) =>
    known((text: unknown, keepAlive) => send({ [type]: text }, keepAlive));
  return {
    mime: known(send),
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

function asError(error: unknown): unknown {
  return error ?? new Error(inspect(error));
}

/** Text for readers without pictures. */
function plainTextOf(data: MimeBundle): string {
  return `[${Object.keys(data).join(', ')}]`;
}
