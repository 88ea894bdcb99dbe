import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import * as path from 'node:path';
import { isRunning } from '@flowbook/sdk';

/** `prefix`, then whose it is: process and machine, then what makes it unique. */
const named = /^(\d+)@(.+)-[^-]+$/;

/**
 * Makes a folder of this process's own below another one, and removes those that processes of this machine left which were killed.
 *
 * @param prefix What names begin with.
 */
export function makeOwnFolder(parent: string, prefix: string): string {
  for (const name of readdirSync(parent)) {
    const [, pid, host] = (name.startsWith(prefix) && named.exec(name.slice(prefix.length))) || [];
    if (pid === undefined) continue;
    if (isRunning({ state: 'running', process: { pid: Number(pid), host } })) continue;
    rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  return mkdtempSync(path.join(parent, `${prefix}${process.pid}@${hostname()}-`));
}
