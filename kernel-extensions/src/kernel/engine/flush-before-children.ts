import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

const STARTERS = [
  'exec',
  'execFile',
  'execFileSync',
  'execSync',
  'fork',
  'spawn',
  'spawnSync',
] as const;

/**
 * Sends what a cell has printed before a child process that it starts can print: the child's text does not come
 * through the engine, and a burst of prints is held back for some milliseconds.
 */
export function flushBeforeChildren(flush: () => void): void {
  const starters = childProcess as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of STARTERS) {
    starters[name] = new Proxy(starters[name], {
      apply(target, self, args) {
        flush();
        return Reflect.apply(target, self, args);
      },
    });
  }
  syncBuiltinESMExports();
}
