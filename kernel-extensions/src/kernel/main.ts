import { join } from 'node:path';
import { readConnectionFile } from './protocol/connection-file';
import { EngineStarter } from './server/engine-starter';
import type { History } from './server/history';

/** Read first: it changes when that process ends, also while this one starts. */
const parent = process.ppid;

/** Runs the kernel that a connection file asks for, until it is shut down. */
async function main(args: string[]): Promise<void> {
  const [path] = args.filter((arg) => !arg.startsWith('-'));
  if (path === undefined) {
    throw new Error('Cannot start the kernel as a connection file must be given: none was');
  }
  const connection = readConnectionFile(path);
  const starter = await EngineStarter.create(); // its process begins while this one goes on
  const { KernelServer } = await import('./server/kernel-server.js');
  const server = new KernelServer(connection, await openHistory(), starter);
  process.on('SIGINT', () => {}); // a terminal's Ctrl-C is for the client, who sends interrupt_request
  process.on('SIGTERM', () => process.exit(0));
  if (process.env.JPY_PARENT_PID) endWithParent();
  await server.serve();
  process.exit(0);
}

/** `FLOWBOOK_HISTORY=off` keeps nothing on disk; else it names the folder, the user's cache by default. */
async function openHistory(): Promise<History> {
  const { FLOWBOOK_HISTORY: wanted } = process.env;
  const { History } = await import('./server/history.js');
  if (wanted === 'off') return new History();
  const { HistoryStore } = await import('./server/history-store.js');
  const { cacheFolder } = await import('../../setup/cache-folder.mjs');
  return new History(new HistoryStore(wanted || join(cacheFolder(), 'history')));
}

/** Ends this process when the one that started it has gone, so that no kernel is left behind. */
function endWithParent(): void {
  const endWithoutParent = () => {
    if (process.ppid !== parent) process.exit(0);
  };
  endWithoutParent();
  setInterval(endWithoutParent, 1000).unref();
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
