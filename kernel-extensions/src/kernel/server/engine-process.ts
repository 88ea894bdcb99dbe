import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type {
  CellRequest,
  CellResult,
  CommTraffic,
  EngineQueries,
  FromEngine,
  ToEngine,
} from '../engine-messages';
import type { CellOutput } from '../protocol/outputs';
import type { EngineStarter } from './engine-starter';
import { RawOutput } from './raw-output';

/** What the server wants to hear from its engine. */
export interface EngineEvents {
  output(cell: number, output: CellOutput): void;
  /** Text that native code or a child process wrote past JavaScript. */
  rawOutput(name: 'stdout' | 'stderr', text: string): void;
  input(cell: number, prompt: string, password: boolean): Promise<string>;
  comm(traffic: CommTraffic): void;
  /** The process ended without having been asked to. */
  died(reason: string): void;
}

/** How long a finished cell waits for the rest of what its native code printed. */
const RAW_OUTPUT_PATIENCE_MS = 250;

/** The process that runs the user's code, as the server sees it. */
export class EngineProcess {
  private child!: ChildProcess;
  private raw!: Record<'stdout' | 'stderr', RawOutput>;
  private readonly queries = new Map<number, (message: FromEngine & { type: 'answer' }) => void>();
  private running: { cell: number; settle(result: CellResult): void } | null = null;
  private nextQuery = 1;
  private stopping = false;
  /** Whether the process has started well. */
  wasReady = false;
  private alive = true;
  /** What waits for the process to be ready. */
  private unsent: ToEngine[] = [];
  /** Resolves when the first cell need not wait for the compiler, or never will. */
  readonly warm: Promise<void>;
  private isWarm!: () => void;

  constructor(
    private readonly events: EngineEvents,
    private readonly starter: EngineStarter,
  ) {
    this.warm = new Promise((settle) => (this.isWarm = settle));
    this.start();
  }

  private start(): void {
    const { child, fromImage } = this.starter.start();
    this.child = child;
    const isComplaint = () => fromImage && !this.wasReady; // Node's, about the image
    const raw = (name: 'stdout' | 'stderr') =>
      new RawOutput(child[name] as Readable, (text) => {
        // Node's farewell is nobody's output
        if (!this.stopping && !isComplaint()) this.events.rawOutput(name, text);
      });
    this.raw = { stdout: raw('stdout'), stderr: raw('stderr') };
    child.on('message', (message) => {
      this.receive(message as FromEngine).catch((error: Error) =>
        this.events.rawOutput('stderr', `An output was dropped: ${error.message}\n`),
      );
    });
    child.on('error', () => {});
    this.interruptPipe.on('error', () => {}); // the engine may be gone already
    child.once('close', (code, signal) => {
      if (this.stopping || !isComplaint()) return this.ended(code, signal);
      this.starter.leaveImage(code, signal);
      this.start();
    });
  }

  /** Runs one cell; never rejects. */
  execute(request: CellRequest): Promise<CellResult> {
    return new Promise((settle) => {
      this.running = { cell: request.cell, settle };
      this.send({ type: 'execute', request });
    });
  }

  /** Asks about code; resolves with null when the engine cannot answer. */
  query<Name extends keyof EngineQueries>(
    name: Name,
    params: EngineQueries[Name]['params'],
  ): Promise<EngineQueries[Name]['answer'] | null> {
    const id = this.nextQuery++;
    return new Promise((settle) => {
      this.queries.set(id, ({ answer }) => settle((answer as never) ?? null));
      this.send({ type: 'query', id, name, params });
    });
  }

  /** Passes a comm message on. */
  comm(traffic: CommTraffic): void {
    this.send({ type: 'comm', traffic });
  }

  get runningCell(): number | null {
    return this.running?.cell ?? null;
  }

  /** Stops the running cell. The engine's own worker thread reads this, so a busy engine hears it too. */
  interrupt(): void {
    if (this.alive) this.interruptPipe.write(`${this.runningCell ?? 0}\n`);
  }

  /** Ends the process; kills it, by its id, if it does not end on its own. */
  stop(patienceMs = 300): Promise<void> {
    this.stopping = true;
    if (!this.alive) return Promise.resolve();
    return new Promise((settle) => {
      const timer = setTimeout(() => this.child.kill('SIGKILL'), this.wasReady ? patienceMs : 0);
      this.child.once('close', () => {
        clearTimeout(timer);
        settle();
      });
      this.send({ type: 'shutdown' });
    });
  }

  private get interruptPipe(): Writable {
    return this.child.stdio[4] as Writable;
  }

  private send(message: ToEngine): void {
    if (!this.wasReady) this.unsent.push(message);
    else if (this.alive && this.child.connected) this.child.send(message, () => {});
  }

  private async receive(message: FromEngine): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.wasReady = true;
        this.starter.started();
        for (const waiting of this.unsent.splice(0)) this.send(waiting);
        return;
      case 'warm':
        this.isWarm();
        return;
      case 'output':
        return this.events.output(message.cell, message.output);
      case 'comm':
        return this.events.comm(message.traffic);
      case 'answer':
        this.queries.get(message.id)?.(message);
        this.queries.delete(message.id);
        return;
      case 'done': {
        const { cell, result } = message;
        const fences = [this.raw.stdout.fence(cell), this.raw.stderr.fence(cell)];
        await Promise.race([Promise.all(fences), pause(RAW_OUTPUT_PATIENCE_MS)]);
        if (this.running?.cell === cell) this.finish(result);
        return;
      }
      case 'input': {
        const { id, cell, prompt, password } = message;
        await this.events.input(cell, prompt, password).then(
          (value) => this.send({ type: 'input', id, value }),
          (error: Error) => this.send({ type: 'input', id, error: error.message }),
        );
        return;
      }
    }
  }

  private finish(result: CellResult): void {
    const running = this.running;
    this.running = null;
    running?.settle(result);
  }

  private ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.alive = false;
    this.isWarm();
    for (const [id, settle] of this.queries) settle({ type: 'answer', id });
    this.queries.clear();
    if (this.stopping) return;
    const reason = signal ? `signal ${signal}` : `exit code ${code}`;
    this.events.died(reason);
    const evalue = `the process that runs the cells ended (${reason}); its variables are gone, a new one has started`;
    this.finish({
      error: { ename: 'EngineDied', evalue, traceback: [`EngineDied: ${evalue}`] },
      interrupted: false,
      userExpressions: {},
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms).unref());
}
