import { observer } from '@flowbook/sdk';
import { shortNumber, textTable } from '../runs/runs-table';
import { summarizeRun } from '../runs/run-summary';
import * as path from 'node:path';
import type { SweepPlan } from './plan';

/** Twice a second is calm. */
const intervalMs = 500;

/** A table of a sweep's runs on a terminal, redrawn in place; elsewhere a line when a run begins and ends. */
export class LiveTable {
  private timer: NodeJS.Timeout | undefined;
  private height = 0;

  constructor(
    private readonly directory: string,
    private readonly plan: SweepPlan,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  begin(): void {
    if (!this.stream.isTTY) return;
    this.draw();
    this.timer = setInterval(this.draw, intervalMs);
  }

  say(line: string): void {
    if (!this.stream.isTTY) this.stream.write(`${line}\n`);
  }

  /** Says something that stays, on a terminal above the table. */
  notice(line: string): void {
    this.stream.write(`${this.upwards()}${line}\n`);
    this.height = 0;
    if (this.stream.isTTY) this.draw();
  }

  end(): void {
    clearInterval(this.timer);
    if (this.stream.isTTY) this.draw();
  }

  /** A run's folder that cannot be read must not end the sweep. */
  private readonly draw = observer(() => this.drawRuns(), 'The table of runs', 'the sweep');

  private drawRuns(): void {
    const rows = this.plan.runs.map(({ id }) => {
      const run = summarizeRun(path.join(this.directory, id));
      const reward = run.metrics.reward;
      return [
        run.name,
        run.state,
        run.cell ?? '',
        run.step === null ? '' : String(run.step),
        reward === undefined ? '' : shortNumber(reward),
        run.seconds > 0 ? `${run.seconds.toFixed(0)} s` : '',
      ];
    });
    const most = Math.max(3, (this.stream.rows || 24) - 3);
    const running = rows.filter(([, state]) => state !== 'waiting');
    const shown = rows.length <= most ? rows : running.slice(-most);
    const text = textTable(['run', 'state', 'cell', 'step', 'reward', 'time'], shown);
    // A row that wrapped would be two lines to move up by. A terminal that does not know its width says 0.
    const width = this.stream.columns || Infinity;
    const lines = text.split('\n').map((line) => line.slice(0, width));
    this.stream.write(`${this.upwards()}${lines.join('\n')}\n`);
    this.height = lines.length;
  }

  /** Takes back what was drawn. */
  private upwards(): string {
    return this.height > 0 ? `\u001b[${this.height}A\u001b[J` : '';
  }
}
