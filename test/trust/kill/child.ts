import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRunLog } from '@flowbook/sdk';
import { withoutTimes } from '../../sdk/training/run/small-runs';

/** How a child ended: by itself, or killed. */
export interface ChildEnd {
  code: number | null;
  wasKilled: boolean;
  stderr: string;
}

/** When a child is killed: after it has printed so many lines, and waited for so long. null: never. */
export interface KillMoment {
  lines: number;
  waitMs: number;
}

/** Runs a TypeScript file as a process of its own, and kills it at a moment. */
export function runChild(
  file: string,
  parameters: readonly string[],
  moment: KillMoment | null,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<ChildEnd> {
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', file, ...parameters], {
    cwd: join(__dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  let printed = 0;
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  child.stdout.on('data', (text) => {
    const before = printed;
    printed += String(text).split('\n').length - 1;
    if (moment === null || before >= moment.lines || printed < moment.lines) return;
    setTimeout(() => child.kill(signal), moment.waitMs).unref();
  });
  return new Promise((resolve) =>
    child.once('close', (code, by) => resolve({ code, wasKilled: by !== null, stderr })),
  );
}

/** Everything that two runs of the same settings must have in common, times left out. */
export function traceOf(folder: string): object {
  const last = join(folder, 'checkpoints/last');
  const { files } = JSON.parse(readFileSync(join(last, 'manifest.json'), 'utf8'));
  const pictures = join(folder, 'pictures');
  return {
    log: withoutTimes(readRunLog(folder).lines),
    weights: Object.entries(files).filter(([name]) => name !== 'state.json'),
    pictures: readdirSync(pictures)
      .sort()
      .map((name) => [name, readFileSync(join(pictures, name), 'base64')]),
  };
}
