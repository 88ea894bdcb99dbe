import type { CellRequest, CellResult } from '../engine-messages';
import type { ErrorContent, ExpressionResult } from '../protocol/outputs';
import '../../display/draw-for-sdk';
import { settleDisplays } from '../../display/publish-queue';
import { toBundle } from '../../display/to-bundle';
import { TslabAdapter, type EmittedCell } from '../tslab-adapter';
import { compileCell } from './cell-compiler';
import { CellContext, runInCell } from './cell-context';
import type { CellOutputs } from './cell-output';
import { CellPositions } from './cell-positions';
import { blankExports } from './cell-syntax';
import { ErrorReport } from './error-report';
import { CellInterrupted, type Interrupts } from './interrupts';
import type { ModuleLoader } from './module-loader';
import { NotebookScope, type CellExports } from './notebook-scope';

/** User expressions are numbered apart from the cells. */
const FIRST_EXPRESSION = 1_000_000_000;

type UserExpressions = Record<string, ExpressionResult>;

interface CellEnd {
  error: ErrorContent | null;
  userExpressions: UserExpressions;
}

type Outcome = { value: unknown } | { thrown: unknown } | { rejected: ErrorContent };

/** Runs cells, one at a time, in the one scope that they share. */
export class CellRunner {
  readonly positions = new CellPositions();
  readonly errors = new ErrorReport(this.positions);
  private readonly scope = new NotebookScope();
  private expressions = FIRST_EXPRESSION;

  constructor(
    private readonly tslab: TslabAdapter,
    private readonly interrupts: Interrupts,
    private readonly outputs: CellOutputs,
    private readonly modules: ModuleLoader,
  ) {}

  /**
   * Runs a cell and publishes its result. `finished` is called at its end, or when an interrupt leaves it no
   * other way.
   */
  run(request: CellRequest, finished: (result: CellResult) => void): void {
    const { cell: id, executionCount, allowInput, silent } = request;
    const cell = new CellContext(id, executionCount, allowInput, silent);
    this.positions.remember(id, executionCount, request.code);
    this.outputs.beginCell();
    const finish = (error: ErrorContent | null, userExpressions: UserExpressions = {}) => {
      if (!this.interrupts.isRunning(cell)) return; // it went on after its interrupt
      this.outputs.flush();
      finished({ error, interrupted: cell.signal.aborted, userExpressions });
      this.interrupts.end(cell); // last: until then an interrupt that stops this very code is not lost
    };
    const fail = (thrown: unknown) => finish(this.errors.fromThrown(thrown));
    if (!this.interrupts.begin(cell, fail)) return;
    this.runToEnd(cell, request).then(
      ({ error, userExpressions }) => finish(error, userExpressions),
      fail,
    );
  }

  private async runToEnd(cell: CellContext, request: CellRequest): Promise<CellEnd> {
    const userExpressions: UserExpressions = {};
    const outcome = await this.execute(cell, cell.id, request.code);
    if (!('value' in outcome)) return { error: this.describe(cell, outcome), userExpressions };
    if (outcome.value != null && !cell.silent) await this.publishResult(cell, outcome.value);
    for (const [name, expression] of Object.entries(request.userExpressions)) {
      userExpressions[name] = await this.evaluate(cell, expression);
    }
    return { error: null, userExpressions };
  }

  private async execute(cell: CellContext, id: number, code: string): Promise<Outcome> {
    let outcome: Outcome = { value: undefined };
    const source = blankExports(this.tslab.typescript, code);
    const diagnostics = await this.tslab.execute(source, async (emitted) => {
      outcome = await this.runEmitted(cell, id, emitted);
    });
    if (diagnostics.length === 0) return outcome;
    return { rejected: this.errors.fromDiagnostics(id, diagnostics) };
  }

  private async runEmitted(cell: CellContext, id: number, emitted: EmittedCell): Promise<Outcome> {
    let exports: CellExports | null = null;
    try {
      const compiled = this.interrupts.whileCompiling(() =>
        compileCell(this.tslab.typescript, id, emitted.esModule, this.positions),
      );
      const cellExports = this.scope.openCell(cell.id, compiled.declared);
      const require = this.modules.requireFor(emitted.require);
      const runtime = {
        import: (specifier: string) => this.modules.import(specifier, require),
        meta: this.modules.meta,
        bind: cellExports.bind.bind(cellExports),
      };
      await this.modules.preload(compiled.imports, emitted.require);
      cell.signal.throwIfAborted();
      exports = cellExports;
      if (id === cell.id) this.tslab.adopt(emitted.declarations);
      const { run } = compiled; // called on its own, it stands in stack traces without a name
      try {
        await nextTurn(() => runInCell(cell, () => run(cellExports.proxy, require, runtime)));
      } finally {
        await runInCell(cell, settleDisplays);
      }
      exports.complete();
      return { value: emitted.lastExpressionVar && exports.take(emitted.lastExpressionVar) };
    } catch (thrown) {
      exports?.abandon(this.positions.label(id));
      return { thrown };
    }
  }

  private async evaluate(cell: CellContext, expression: string): Promise<ExpressionResult> {
    this.expressions += 1;
    const id = this.expressions;
    this.positions.remember(id, cell.executionCount, expression);
    const outcome = await this.execute(cell, id, expression);
    if (!('value' in outcome)) return { status: 'error', ...this.describe(cell, outcome) };
    const { data, metadata } = await toBundle(outcome.value);
    return { status: 'ok', data, metadata };
  }

  private async publishResult(cell: CellContext, value: unknown): Promise<void> {
    const { data, metadata } = await runInCell(cell, () => toBundle(value));
    const execution_count = cell.executionCount ?? 0;
    this.outputs.publish(cell.id, {
      output_type: 'execute_result',
      data,
      metadata,
      execution_count,
    });
  }

  private describe(cell: CellContext, outcome: Exclude<Outcome, { value: unknown }>): ErrorContent {
    if ('rejected' in outcome) return outcome.rejected;
    const byInterrupt = cell.signal.aborted && outcome.thrown === cell.signal.reason;
    return this.errors.fromThrown(byInterrupt ? new CellInterrupted() : outcome.thrown);
  }
}

/**
 * Starts `work` from the event loop, not from a promise's callback: when an interrupt stops running
 * JavaScript, promise callbacks that wait behind it are lost, and the kernel's must not be among them.
 */
function nextTurn<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((settle, fail) => {
    setImmediate(() => work().then(settle, fail));
  });
}
