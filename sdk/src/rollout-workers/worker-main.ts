import { createWriteStream } from 'node:fs';
import { readFrames, writeFrame } from './frame';
import { RolloutWorker } from './rollout-worker';

// Standard output carries frames alone: what anything prints goes to standard error.
const frames = createWriteStream('', { fd: 1 });
process.stdout.write = process.stderr.write.bind(process.stderr);

async function serve(): Promise<void> {
  const worker = new RolloutWorker();
  for await (const frame of readFrames(process.stdin)) {
    await writeFrame(frames, await worker.answer(frame));
  }
}

// A trainer that is gone closes both ends.
frames.on('error', () => process.exit(0));
serve().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
