import { type ChildProcess, spawn } from 'node:child_process';
import { flowbookCommand } from '../setup/setup-module';

/** The `flowbook` command as a process of its own, with what it has printed so far. */
export class FlowbookProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(parameters: string[], cwd: string, environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [flowbookCommand, ...parameters], {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.on('data', (chunk) => (this.stdout += chunk));
    this.child.stderr!.on('data', (chunk) => (this.stderr += chunk));
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until standard output matches; gives the match. */
  async printed(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${pattern} was not printed:\n${this.stdout}\n${this.stderr}`);
  }
}
