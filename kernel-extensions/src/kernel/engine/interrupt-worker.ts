import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { INTERRUPT_PIPE, Slot } from './interrupt-slots';

/**
 * Runs in a thread of its own, so that it hears an interrupt while the main thread is in a
 * synchronous loop. If the main thread does not take the interrupt in time, its JavaScript is stopped.
 */
const PATIENCE_MS = 400;
const slots = new Int32Array(workerData as SharedArrayBuffer);
const inspector = new Session();
inspector.connectToMainThread();

let requested = 0;
let timer: NodeJS.Timeout | null = null;

function taken(): boolean {
  return Atomics.load(slots, Slot.Taken) === requested;
}

function stopIfStuck(): void {
  timer = null;
  if (taken()) return;
  // The compiler keeps state that must not be torn; it always ends.
  if (Atomics.load(slots, Slot.Compiling) === 0) {
    Atomics.store(slots, Slot.Stopped, requested);
    inspector.post('Runtime.terminateExecution');
  }
  timer = setTimeout(stopIfStuck, PATIENCE_MS);
}

const pipe = new Socket({ fd: INTERRUPT_PIPE, readable: true, writable: false });
pipe.on('data', () => {
  requested += 1;
  parentPort?.postMessage(requested);
  timer ??= setTimeout(stopIfStuck, PATIENCE_MS);
});
// The server has gone: nobody can reach this process any more, so it ends, even in the middle of a loop.
pipe.on('close', () => process.kill(process.pid, 'SIGKILL'));
