import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { scriptModule, setupModule } from '../setup/setup-module';

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

let running: Promise<ReferencePython> | null = null;

/**
 * The Python process with PyTorch and diffusers that this run's tests share. It starts at the first call, which takes
 * some seconds, and ends with the run.
 */
export function referencePython(): Promise<ReferencePython> {
  return (running ??= startPython(__dirname));
}

/**
 * Starts a process for the Python files of a folder.
 *
 * @param environment Variables beside those of this process.
 * @throws When set-up has not installed the peers.
 */
export async function startPython(
  folder: string,
  environment: Record<string, string> = {},
): Promise<ReferencePython> {
  const { cacheFolder } = await setupModule('cache-folder.mjs');
  const { referencePython: programIn } = await scriptModule('reference-python.mjs');
  const program: string = programIn(cacheFolder());
  if (!existsSync(program)) {
    throw new Error(
      `Cannot compare with PyTorch as set-up must have installed it: ${program} is missing; run npm test`,
    );
  }
  return new ReferencePython(
    spawn(program, ['-u', join(__dirname, 'worker.py'), folder], {
      env: {
        ...process.env,
        HF_HUB_OFFLINE: '1',
        PYTHONDONTWRITEBYTECODE: '1',
        ...environment,
      },
    }),
  );
}

/** Calls functions of a folder's Python files, one after another. */
export class ReferencePython {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #said = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#settle(line));
    child.stderr.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk).slice(-4000)));
    child.on('close', () => this.#fail());
    // The process must not outlive the run, nor keep it alive.
    process.on('exit', () => child.kill());
    this.#hold(false);
  }

  /**
   * @param call `file.function`, without `.py`
   * @param argument Keyword arguments, as JSON.
   * @returns What the function returned, through JSON.
   * @throws With Python's traceback.
   */
  call<Result>(call: string, argument: object = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as Waiting['resolve'], reject });
      this.#hold(true);
      this.#process.stdin.write(`${JSON.stringify({ call, arguments: argument })}\n`);
    });
  }

  /** Ends the process; calls that wait are rejected. */
  end(): void {
    this.#process.stdin.end();
  }

  #settle(line: string): void {
    const { result, error } = JSON.parse(line) as { result?: unknown; error?: string };
    const waiting = this.#waiting.shift();
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
    this.#hold(this.#waiting.length > 0);
  }

  #fail(): void {
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new Error(`The reference Python ended: ${this.#said}`));
    }
  }

  /** Whether the process keeps Node running. */
  #hold(isBusy: boolean): void {
    const streams = [this.#process.stdout, this.#process.stderr, this.#process.stdin];
    for (const part of [this.#process, ...streams] as { ref?(): void; unref?(): void }[]) {
      if (isBusy) part.ref?.();
      else part.unref?.();
    }
  }
}
