// train-child NAME FOLDER: trains a small run, or goes on with it, and prints a line at each step.
import { SMALL_RUNS, loadSmall } from '../../sdk/training/run/small-runs';

const [name, runDirectory] = process.argv.slice(2);

async function main(): Promise<void> {
  const { algorithm, train } = SMALL_RUNS[name];
  const pipeline = await loadSmall(algorithm);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
  process.stdout.write('loaded\n');
  await train(pipeline, {
    runDirectory,
    signal: stop.signal,
    resume: 'auto',
    ema: 0.9,
    steps: 6,
    checkpointEverySteps: 1,
    evaluation: {
      prompts: ['a red fox'],
      reward: 'redness',
      everySteps: 2,
      numInferenceSteps: 2,
      beforeTraining: true,
    },
    onStep: ({ step }) => void process.stdout.write(`step ${step}\n`),
  });
}

void main();
