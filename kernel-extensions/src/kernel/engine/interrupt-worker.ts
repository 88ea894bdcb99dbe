import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { waitsForTraining } from './interrupt-patience';
import { INTERRUPT_PIPE, Slot, type InterruptRequest } from './interrupt-slots';

/**
 * Runs in a thread of its own, so that it hears an interrupt while the main thread is in a
 * synchronous loop. If the main thread does not take the interrupt in time, its JavaScript is stopped.
 */
const PATIENCE_MS = 400;
const LOOK_AGAIN_MS = 100;
/** An interrupt that was taken ends its cell in this time, unless the main thread got stuck after it. */
const SETTLING_MS = 1000;
/** Asked again after this time, an interrupt stops modules half-way, too. */
const INSISTING_MS = 1000;
const slots = new Int32Array(workerData as SharedArrayBuffer);
const inspector = new Session();
inspector.connectToMainThread();

let requested = 0;
let cell = 0;
let askedAt = 0;
/** When the interrupt was asked for that has not ended its cell yet. */
let firstAskedAt = 0;
let insists = false;
let timer: NodeJS.Timeout | null = null;

function tell(): void {
  const interrupt: InterruptRequest = { request: requested, cell };
  parentPort?.postMessage(interrupt);
}

function stopIfStuck(): void {
  timer = null;
  if (Atomics.load(slots, Slot.Settled) === requested) return;
  // The training ends by itself, and what is stopped could not write its checkpoint.
  if (waitsForTraining()) askedAt = performance.now();
  const taken = Atomics.load(slots, Slot.Taken) === requested;
  const late = performance.now() - askedAt > (taken ? SETTLING_MS : PATIENCE_MS) - 1;
  // The compiler keeps state that must not be torn; it always ends. So do modules, but for an endless loop.
  const isHeld =
    Atomics.load(slots, Slot.Compiling) > 0 || (!insists && Atomics.load(slots, Slot.Loading) > 0);
  if (late && !isHeld) {
    Atomics.store(slots, Slot.Stopped, requested);
    // What is stopped may be the main thread taking the interrupt. V8 refuses a second stop during the first.
    inspector.post('Runtime.terminateExecution', tell);
  }
  timer = setTimeout(stopIfStuck, LOOK_AGAIN_MS);
}

const pipe = new Socket({ fd: INTERRUPT_PIPE, readable: true, writable: false });
pipe.on('data', (chunk: Buffer) => {
  const isSettled = Atomics.load(slots, Slot.Settled) === requested;
  requested += 1;
  askedAt = performance.now();
  if (isSettled) firstAskedAt = askedAt;
  insists = askedAt - firstAskedAt > INSISTING_MS;
  cell = Number(chunk.toString().trim().split('\n').at(-1));
  tell();
  if (timer) clearTimeout(timer);
  timer = setTimeout(stopIfStuck, PATIENCE_MS);
});
// The server has gone: nobody can reach this process any more, so it ends, even in the middle of a loop.
pipe.on('close', () => process.kill(process.pid, 'SIGKILL'));
