import type { CellRequest, CellResult } from '../engine-messages';
import type { ErrorContent, ExpressionResult } from '../protocol/outputs';
import type { DisplayBundle } from '../../display/bundle';
import '../../display/draw-for-sdk';
import { abandonDisplays, settleDisplays } from '../../display/publish-queue';
import { toBundle } from '../../display/to-bundle';
import type ts from 'typescript';
import type { EmittedCell } from '../tslab-adapter';
import { compileCell, type CellRuntime, type CompiledCell } from './cell-compiler';
import { CellContext, runInCell } from './cell-context';
import type { CellOutputs } from './cell-output';
import type { CellPositions } from './cell-positions';
import type { CellTranslator, Translation } from './cell-translator';
import type { KernelDialect } from './dialects/dialect';
import { ErrorReport } from './error-report';
import { CellInterrupted, type Interrupts } from './interrupts';
import type { ModuleLoader } from './modules/module-loader';
import { nextTurn } from './next-turn';
import { NotebookScope } from './notebook-scope';
import { plainBundle, resultBundle } from './result-bundle';

/** User expressions are numbered apart from the cells. */
const FIRST_EXPRESSION = 1_000_000_000;

const WARMING = 'const warm: number[] = [1].map((n) => n + 1);\nwarm.length';

type UserExpressions = Record<string, ExpressionResult>;

interface CellEnd {
  error: ErrorContent | null;
  userExpressions: UserExpressions;
}

/** What became of a cell; `isShown`: its value was shown as its code ended, `isBeforeStart`: none of its code ran. */
type Outcome =
  | { value: unknown; isShown?: boolean }
  | { thrown: unknown; isBeforeStart?: boolean }
  | { rejected: ErrorContent };

/** Runs cells, one at a time, in the one scope that they share. */
export class CellRunner {
  private readonly scope: NotebookScope;
  private readonly errors: ErrorReport;
  private expressions = FIRST_EXPRESSION;
  /** For a cell whose code runs: says that it does not reach its other declarations. */
  private readonly giveUps = new WeakMap<CellContext, () => void>();

  constructor(
    private readonly typescript: typeof ts,
    private readonly translator: CellTranslator,
    private readonly dialect: KernelDialect,
    private readonly interrupts: Interrupts,
    private readonly outputs: CellOutputs,
    private readonly modules: ModuleLoader,
    private readonly positions: CellPositions,
  ) {
    this.scope = new NotebookScope(dialect.builtins, (name) => {
      translator.declare(name);
      if (dialect.scriptGlobals) this.scope.reflect([name]);
    });
    this.errors = new ErrorReport(positions, modules.names);
  }

  /** An error that no cell waits for, as it is printed. */
  printed(thrown: unknown): string {
    return this.errors.print(thrown);
  }

  /** Compiles a cell that never runs, so that the first real one does not wait for the compiler and the libraries' types. */
  warmUp(): void {
    this.interrupts.whileCompiling(() => {
      const translation = this.translator.translate(WARMING);
      if (translation.kind === 'cell') this.compile(0, translation.emitted);
    });
  }

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
    const abandon = (reason: Error) => {
      this.abandonUnfinished();
      this.giveUps.get(cell)?.(); // now: its code may never settle
      fail(reason);
    };
    if (!this.interrupts.begin(cell, abandon)) return;
    this.runToEnd(cell, request).then(
      ({ error, userExpressions }) => finish(error, userExpressions),
      fail,
    );
  }

  /** What an interrupted cell or callback waits for may never settle, and the cells after it must not wait for it. */
  abandonUnfinished(): void {
    abandonDisplays();
    this.modules.abandonUnfinished();
  }

  private async runToEnd(cell: CellContext, request: CellRequest): Promise<CellEnd> {
    const userExpressions: UserExpressions = {};
    this.dialect.begin?.(cell);
    const outcome = await this.execute(cell, cell.id, request.code);
    if (!('value' in outcome)) {
      const error = this.describe(cell, outcome);
      if ('rejected' in outcome || outcome.isBeforeStart)
        await this.keepImports(cell, request.code);
      return { error, userExpressions };
    }
    const isResult = this.isResult(cell, outcome.value);
    await this.dialect.end?.(cell);
    if (isResult && !outcome.isShown) {
      const { value } = outcome;
      this.publish(cell, await runInCell(cell, () => resultBundle(value, this.dialect)));
    }
    for (const [name, expression] of Object.entries(request.userExpressions)) {
      userExpressions[name] = await this.evaluate(cell, expression);
    }
    return { error: null, userExpressions };
  }

  /**
   * One import that fails, or a type error, keeps a cell from running: what else it imports is there all the same
   * for the cells after it.
   */
  private async keepImports(cell: CellContext, code: string): Promise<void> {
    for (const statement of this.translator.importsOf(code)) {
      if (cell.signal.aborted) return;
      this.expressions += 1;
      const translation = this.interrupts.whileCompiling(() =>
        this.translator.translate(statement),
      );
      if (translation.kind !== 'cell') continue;
      const outcome = await this.runEmitted(cell, this.expressions, translation);
      if ('value' in outcome) translation.adopt();
    }
  }

  private async execute(cell: CellContext, id: number, code: string): Promise<Outcome> {
    const translation = this.interrupts.whileCompiling(() => this.translator.translate(code));
    if (translation.kind === 'rejected') {
      return { rejected: this.errors.fromDiagnostics(id, translation.diagnostics) };
    }
    if (translation.kind === 'module') {
      this.modules.define(translation.name, translation.ending, translation.text);
      return { value: undefined };
    }
    if (translation.warnings.length > 0) {
      const { traceback } = this.errors.fromDiagnostics(id, translation.warnings);
      this.outputs.print(cell.id, 'stderr', `Warning: ${traceback.join('\n')}\n`);
    }
    return this.runEmitted(cell, id, translation);
  }

  private async runEmitted(
    cell: CellContext,
    id: number,
    { emitted, adopt }: Translation & { kind: 'cell' },
  ): Promise<Outcome> {
    let giveUp: (() => void) | null = null;
    let result: unknown;
    let isShown = false;
    try {
      const compiled = this.interrupts.whileCompiling(() => this.compile(id, emitted));
      const cellExports = this.scope.openCell(cell.id, compiled.declared);
      if (this.dialect.scriptGlobals) this.scope.reflect(compiled.scriptGlobals);
      const runtime: CellRuntime = {
        import: (specifier) => this.modules.import(specifier),
        meta: this.modules.meta,
        bind: cellExports.bind.bind(cellExports),
        peek: (name) => this.scope.peek(name),
        result: (value) => (result = value),
        end: () => {
          if (id === cell.id) isShown = this.showAtOnce(cell, result);
        },
      };
      await runInCell(cell, () => this.modules.preload(compiled.imports));
      // An interrupt that came while modules loaded is taken between these two turns of the event loop.
      if (compiled.imports.size > 0)
        for (let turn = 0; turn < 2; turn++) await inNextTurn(async () => {});
      cell.signal.throwIfAborted();
      const keepTypes = id === cell.id ? adopt() : () => {};
      giveUp = () => keepTypes(cellExports.abandon(this.positions.label(id)));
      this.giveUps.set(cell, giveUp);
      const { run } = compiled;
      const own = this.dialect.scriptGlobals ? globalThis : undefined;
      const require = this.modules.require();
      try {
        await inNextTurn(() =>
          runInCell(cell, () => run.call(own, cellExports.proxy, require, runtime)),
        );
      } finally {
        await runInCell(cell, settleDisplays);
      }
      cellExports.complete();
      this.giveUps.delete(cell);
      return { value: result, isShown };
    } catch (thrown) {
      giveUp?.();
      return { thrown, isBeforeStart: giveUp === null };
    }
  }

  private compile(id: number, emitted: EmittedCell): CompiledCell {
    return compileCell(this.typescript, id, emitted, this.positions, {
      isShared: (name) => this.scope.has(name),
      strict: !this.dialect.sloppy,
    });
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

  private isResult(cell: CellContext, value: unknown): boolean {
    if (value === undefined || (value === null && !this.dialect.showsNull)) return false;
    return !cell.silent && !this.dialect.hasShown?.(cell);
  }

  /**
   * Shows a value before any callback that waits for the cell's end can run, where it needs no waiting: other
   * kernels show a promise as it was left, and before what its callbacks print.
   */
  private showAtOnce(cell: CellContext, value: unknown): boolean {
    if (!this.dialect.showsAtOnce || !this.isResult(cell, value)) return false;
    const bundle = plainBundle(value, this.dialect);
    if (bundle) this.publish(cell, bundle);
    return bundle !== null;
  }

  private publish(cell: CellContext, { data, metadata }: DisplayBundle): void {
    const text = data['text/plain'];
    if (typeof text === 'string') data = { ...data, 'text/plain': this.errors.readable(text) };
    this.outputs.publish(cell.id, {
      output_type: 'execute_result',
      data,
      metadata,
      execution_count: cell.executionCount ?? 0,
    });
  }

  private describe(cell: CellContext, outcome: Exclude<Outcome, { value: unknown }>): ErrorContent {
    if ('rejected' in outcome) return outcome.rejected;
    const byInterrupt = cell.signal.aborted && outcome.thrown === cell.signal.reason;
    return this.errors.fromThrown(byInterrupt ? new CellInterrupted() : outcome.thrown);
  }
}

/** Begins `work` in a turn of the event loop of its own. */
function inNextTurn<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((settle, fail) => nextTurn(() => work().then(settle, fail)));
}
