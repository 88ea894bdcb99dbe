// Trains a little, and again while signals come in; prints what came of both, and how many signals there were.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { loadSmall, SMALL_RUNS } from '../training/run/small-runs';

/** Sends a signal to the process two thousand times a second. */
const SENDER = `
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    process.kill(process.pid, 'SIGWINCH');
    Atomics.wait(pause, 0, 0, 0.5);
  }
`;

async function rewardsAndLosses(): Promise<unknown> {
  const { algorithm, train } = SMALL_RUNS.FlowGRPO;
  const pipeline = await loadSmall(algorithm);
  const lora = { rank: 2, targetModules: ['to_q', 'to_v'] };
  const { log } = await train(pipeline, { steps: 8, lora });
  pipeline.dispose();
  return log.map(({ reward, loss, gradNorm }) => [reward, loss, gradNorm]);
}

async function main(): Promise<void> {
  let signals = 0;
  process.on('SIGWINCH', () => (signals += 1));
  const undisturbed = await rewardsAndLosses();
  const worker = new Worker(SENDER, { eval: true });
  await once(worker, 'online');
  const disturbed = await rewardsAndLosses();
  await worker.terminate();
  console.log(JSON.stringify({ undisturbed, disturbed, signals }));
}

void main();
