import { preparedFiles } from './start-image'; // before all that import the compiler
import { writeSync } from 'node:fs';
import typescript from 'typescript';
import {
  outputFence,
  type CellRequest,
  type EngineQueries,
  type ToEngine,
} from '../engine-messages';
import { OutputCap } from '../output-cap';
import { TslabAdapter } from '../tslab-adapter';
import { hideAsyncMarks } from './async-marks';
import { captureStandardStreams } from './captured-stream';
import { currentCell, isOfInterrupt, runForCell, type CellContext } from './cell-context';
import { CellOutputs } from './cell-output';
import { CellPositions } from './cell-positions';
import { CellRunner } from './cell-runner';
import { CellTranslator } from './cell-translator';
import { codeCompleteness } from './code-completeness';
import { compilerOptions, IGNORED_CODES } from './compiler-options';
import { CommRegistry } from './comm-registry';
import { completeCode } from './completion';
import { kernelDialect } from './dialects/kernel-dialects';
import { ErrorReport } from './error-report';
import { flushBeforeChildren } from './flush-before-children';
import { installHostGlobals } from './host-globals';
import type { ImportPlaces } from './import-paths';
import { InputRequests } from './input-requests';
import { describeQuickInfo } from './inspection';
import { Interrupts } from './interrupts';
import { ModuleLoader } from './modules/module-loader';
import { ModuleNames } from './modules/module-names';
import { findOwnPackages, nodeTypeRoots } from './modules/own-packages';
import { readNotebookSettings } from './notebook-settings';
import { nextTurn } from './next-turn';
import { ParentLink } from './parent-link';
import { preparedSource } from './prepared-files';
import { quietOwnWarnings } from './quiet-warnings';
import { nearbyTsconfig } from './tsconfig';

/** Where a Jupyter server says which notebook a kernel is for, and `flowbook run` does. */
const NOTEBOOK_VARIABLE = 'JPY_SESSION_NAME';

/** The process that runs cells; the kernel server starts it and speaks for it. */
class Engine {
  /** The real one; cells get one that refuses. */
  private readonly exit = process.exit.bind(process);
  private readonly link = new ParentLink(
    (message) => this.receive(message),
    () => this.exit(0),
  );
  private readonly outputs = new CellOutputs(
    (cell, output) => this.link.send({ type: 'output', cell, output }),
    new OutputCap(process.cwd(), 'cell'),
  );
  private readonly inputs = new InputRequests((request) =>
    this.link.send({ type: 'input', ...request }),
  );
  private readonly interrupts = new Interrupts(
    () => this.runner.abandonUnfinished(),
    (cell) => this.outputs.print(cell, 'stderr', 'Interrupted: a callback was interrupted\n'),
  );
  private readonly comms = new CommRegistry({
    currentCell,
    send: (traffic) => {
      this.outputs.flush();
      this.link.send({ type: 'comm', traffic });
    },
    callBack: (cell, work) => this.callBack(cell, work),
  });
  private tslab!: TslabAdapter;
  private runner!: CellRunner;
  private readonly positions = new CellPositions();
  private readonly errors = new ErrorReport(this.positions);
  private importPlaces!: ImportPlaces;
  /** What the first cell tells about the notebook's settings and its import map. */
  private problems: string[] = [];

  start(): void {
    const cwd = process.cwd();
    quietOwnWarnings();
    hideAsyncMarks();
    captureStandardStreams((name, text) =>
      this.outputs.print(currentCell().id, name, this.errors.readable(text)),
    );
    flushBeforeChildren(() => this.outputs.flush());
    installHostGlobals(cwd, this.outputs, this.inputs, this.comms);
    process.on('SIGINT', () => {}); // interrupts come by message
    const settings = readNotebookSettings(process.env[NOTEBOOK_VARIABLE]);
    const dialect = kernelDialect(settings.dialect, {
      currentCell,
      publish: (cell, output) => this.outputs.publish(cell.id, output),
      ask: (prompt, password) => this.inputs.ask(prompt, password),
    });
    const ownPackages = findOwnPackages(cwd);
    this.importPlaces = { cwd, ownPackages: [...ownPackages.keys()] };
    const tsconfig = nearbyTsconfig(typescript, cwd);
    const options = compilerOptions(settings, ownPackages, tsconfig);
    const names = new ModuleNames(cwd, tsconfig);
    this.problems = [...settings.problems, ...names.problems];
    this.tslab = new TslabAdapter({
      cwd,
      compilerOptions: options,
      typeRoots: nodeTypeRoots(),
      ignoredCodes: IGNORED_CODES,
      mapSpecifier: (specifier) => names.resolve(specifier),
      preparedSource: (path, options) => preparedSource(preparedFiles, path, options),
      whileCompiling: (work) => this.interrupts.whileCompiling(work),
      display: (content, update) =>
        this.outputs.publish(currentCell().id, {
          output_type: update ? 'update_display_data' : 'display_data',
          ...content,
        }),
    });
    const translator = new CellTranslator(this.tslab, {
      typecheck: settings.typecheck,
      compilerOptions: options,
      completionValues: dialect.completionValues,
      objectCells: dialect.objectCells,
      builtins: [...dialect.builtins.keys(), ...dialect.globalNames],
    });
    const modules = new ModuleLoader({
      cwd,
      typescript,
      compilerOptions: options,
      names,
      ownPackages,
      provided: new Map([['tslab', () => this.tslab.displayModule()]]),
      globals: dialect.globals ?? new Map(),
      positions: this.positions,
      whileLoading: (work) => this.interrupts.whileLoading(work),
    });
    this.runner = new CellRunner(
      typescript,
      translator,
      dialect,
      this.interrupts,
      this.outputs,
      modules,
      this.positions,
    );
    process.on('uncaughtException', (error) => this.printUncaught(error));
    process.on('unhandledRejection', (reason) => this.printUncaught(reason));
    this.link.send({ type: 'ready' });
    setImmediate(() => {
      this.runner.warmUp();
      this.link.send({ type: 'warm' });
    });
  }

  private receive(message: ToEngine): void {
    switch (message.type) {
      case 'execute':
        this.execute(message.request);
        return;
      case 'query':
        this.link.send({ type: 'answer', id: message.id, ...this.answer(message) });
        return;
      case 'input':
        this.inputs.answer(message);
        return;
      case 'comm':
        this.comms.receive(message.traffic);
        return;
      case 'shutdown':
        this.exit(0);
    }
  }

  private execute(request: CellRequest): void {
    for (const problem of this.problems.splice(0)) {
      this.outputs.print(request.cell, 'stderr', `${problem}\n`);
    }
    this.runner.run(request, (result) => {
      for (const descriptor of [1, 2]) writeSync(descriptor, outputFence(request.cell));
      this.link.send({ type: 'done', cell: request.cell, result });
    });
  }

  /** From the event loop: an interrupt that stops `work` must not take the link's own callbacks with it. */
  private callBack(cell: CellContext, work: () => unknown): void {
    const own = cell.renewed();
    nextTurn(() =>
      runForCell(own, async () => {
        try {
          await this.interrupts.whileCalledBack(own, work);
        } catch (error) {
          this.printUncaught(error);
        }
      }),
    );
  }

  private answer({ name, params }: ToEngine & { type: 'query' }): {
    answer?: unknown;
    error?: string;
  } {
    try {
      switch (name) {
        case 'complete':
          return {
            answer: completeCode(
              this.tslab,
              params as EngineQueries['complete']['params'],
              this.importPlaces,
            ),
          };
        case 'inspect': {
          const { code, cursor } = params as EngineQueries['inspect']['params'];
          return { answer: describeQuickInfo(this.tslab.inspect(code, cursor)) };
        }
        case 'isComplete': {
          const { code } = params as EngineQueries['isComplete']['params'];
          return { answer: codeCompleteness(this.tslab.typescript, code) };
        }
      }
    } catch (error) {
      return { error: String(error) };
    }
  }

  private printUncaught(thrown: unknown): void {
    if (isOfInterrupt(thrown)) return; // the cell, or its callback, was told to end
    const text = `Uncaught ${this.runner.printed(thrown)}\n`;
    this.outputs.print(currentCell().id, 'stderr', text);
  }
}

new Engine().start();
