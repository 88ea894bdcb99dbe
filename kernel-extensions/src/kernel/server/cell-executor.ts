import type { CellResult } from '../engine-messages';
import { PATIENCE_VARIABLE } from '../engine/interrupt-patience';
import { OutputCap } from '../output-cap';
import type { Message } from '../protocol/message';
import type { CellOutput } from '../protocol/outputs';
import { CommChannel } from './comm-channel';
import { EngineProcess } from './engine-process';
import type { EngineStarter } from './engine-starter';
import type { History } from './history';
import type { InputChannel } from './input-channel';
import { InterruptWait } from './interrupt-wait';
import type { Iopub } from './iopub';

/** The content of an execute_request. */
interface ExecuteRequest {
  code: string;
  silent?: boolean;
  store_history?: boolean;
  user_expressions?: Record<string, string>;
  allow_stdin?: boolean;
  stop_on_error?: boolean;
}

/** After an error the requests that the client sent together with the failed one may still be on their way. */
const STRAGGLERS_MS = 10;

/** A kernel says that it is there this long after its process began at the latest, warm or not. */
const WARM_PATIENCE_MS = 1200;

/** Runs execute_requests on the engine, and routes what the engine says to the cell it belongs to. */
export class CellExecutor {
  private engine: EngineProcess;
  private executionCount = 0;
  private lastCell = 0;
  private readonly requests = new Map<number, Message>();
  private readonly rawCap = new OutputCap(process.cwd(), 'native');
  private readonly interruptWait = new InterruptWait();
  readonly comms: CommChannel;
  /** Resolves when a first cell would not wait for the compiler, or after a while. */
  readonly warm: Promise<void>;

  constructor(
    private readonly iopub: Iopub,
    private readonly inputs: InputChannel,
    private readonly history: History,
    private readonly starter: EngineStarter,
    /** Called when the cells that wait in the queue must not run. */
    private readonly abortWaiting: () => void,
  ) {
    this.comms = new CommChannel(iopub, (traffic) => this.engine.comm(traffic));
    this.engine = this.startEngine();
    const patience = WARM_PATIENCE_MS - process.uptime() * 1000;
    this.warm = Promise.race([
      this.engine.warm,
      new Promise<void>((settle) => setTimeout(settle, patience)),
    ]);
    void this.engine.warm.then(() => starter.makeMissingImage());
  }

  get queries(): Pick<EngineProcess, 'query'> {
    return this.engine;
  }

  interrupt(): void {
    const { runningCell } = this.engine;
    // Where it waits for a training, whoever asked for that knows why.
    if (runningCell !== null && process.env[PATIENCE_VARIABLE] === undefined)
      this.interruptWait.begin((text) => this.warn(runningCell, text));
    this.engine.interrupt();
  }

  stop(): Promise<void> {
    return this.engine.stop();
  }

  /** Runs the cell in `message`; returns the content of its reply. */
  async execute(message: Message): Promise<Record<string, unknown>> {
    const request = message.content as unknown as ExecuteRequest;
    const silent = request.silent ?? false;
    const counted = !silent && (request.store_history ?? true);
    if (counted) {
      this.executionCount += 1;
      this.history.add(this.executionCount, request.code);
    }
    const execution_count = this.executionCount;
    if (!silent) {
      this.iopub.publish('execute_input', { code: request.code, execution_count }, message);
    }
    const cell = ++this.lastCell;
    this.requests.set(cell, { ...message, content: {}, buffers: [] });
    const result = await this.engine.execute({
      cell,
      executionCount: counted ? execution_count : null,
      code: request.code,
      silent,
      allowInput: request.allow_stdin ?? false,
      userExpressions: request.user_expressions ?? {},
    });
    this.interruptWait.end((text) => this.warn(cell, text));
    if (result.interrupted) this.inputs.forget(message);
    if (result.error && !silent) this.iopub.publish('error', result.error, message);
    await this.stopQueue(result, request.stop_on_error ?? true);
    if (result.error) return { status: 'error', execution_count, ...result.error, payload: [] };
    const { userExpressions: user_expressions } = result;
    return { status: 'ok', execution_count, user_expressions, payload: [] };
  }

  private async stopQueue(result: CellResult, stopOnError: boolean): Promise<void> {
    if (!result.interrupted && !(result.error && stopOnError)) return;
    await new Promise((settle) => setTimeout(settle, STRAGGLERS_MS));
    this.abortWaiting();
  }

  private startEngine(): EngineProcess {
    const engine: EngineProcess = new EngineProcess(
      {
        output: (cell, output) => this.publish(cell, output),
        rawOutput: (name, text) => this.publishRaw(name, text),
        input: async (cell, prompt, password) => {
          const request = this.requests.get(cell);
          if (!request) throw new Error('Cannot ask for input as a cell must be running');
          return this.inputs.ask(request, prompt, password);
        },
        comm: (traffic) => this.comms.publish(traffic, this.requests.get(traffic.cell) ?? null),
        died: (reason) => {
          if (!engine.wasReady) {
            process.stderr.write(`The engine could not start (${reason}).\n`);
            process.exit(1);
          }
          this.comms.closeAll();
          this.inputs.forget();
          this.engine = this.startEngine();
        },
      },
      this.starter,
    );
    return engine;
  }

  /** Native code and child processes write to the cell that runs. */
  private publishRaw(name: 'stdout' | 'stderr', printed: string): void {
    const { text, notice } = this.rawCap.take(this.lastCell, printed);
    if (text !== '') this.publish(this.lastCell, { output_type: 'stream', name, text });
    if (notice) this.publish(this.lastCell, notice);
  }

  private warn(cell: number, text: string): void {
    this.publish(cell, { output_type: 'stream', name: 'stderr', text });
  }

  private publish(cell: number, output: CellOutput): void {
    if (output.output_type === 'execute_result') {
      const text = output.data['text/plain'];
      this.history.setOutput(output.execution_count, String(text ?? ''));
    }
    this.iopub.output(output, this.requests.get(cell) ?? null);
  }
}
