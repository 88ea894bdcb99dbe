import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import {
  computeLoss,
  FlowMatchSDEDiscreteScheduler,
  groupAdvantages,
  httpReward,
  loadPipeline,
  loadPrompts,
  loadShapesPairs,
  miniBatches,
  pixelImage,
  RandomKey,
  readImage,
  tf,
  writeImage,
} from '@flowbook/sdk';

const folder = tmpdir();
const pixel = pixelImage(1, 1, [1, 2, 3]);
const deal = (options: object) =>
  miniBatches([0, 1, 2], { size: 2, epochs: 1, shuffle: false, order: 1, ...options });
const rewards = (values: unknown[]) => groupAdvantages(values as number[], [0, 0]);
const PATH =
  'Cannot load a pipeline as path must be a model directory or the name of a model on a hub';

function step(noiseLevel: number | number[], shape = [2, 4, 2]): unknown {
  const scheduler = new FlowMatchSDEDiscreteScheduler();
  scheduler.setTimesteps(4);
  const x = tf.zeros(shape);
  try {
    return scheduler.samplePreviousStep(x, x, { stepIndex: 1, noiseLevel });
  } finally {
    x.dispose();
    scheduler.dispose();
  }
}

function loss(shapes: Record<string, number[]>): unknown {
  const inputs = Object.entries(shapes).map(([name, shape]) => [name, tf.zeros(shape)] as const);
  try {
    return computeLoss('flow_grpo', Object.fromEntries(inputs));
  } finally {
    tf.dispose(inputs.map(([, tensor]) => tensor));
  }
}

/** What is called, and what it says. */
const MISTAKES: [call: () => unknown, message: string][] = [
  [
    () => loadPrompts('/nope.jsonl'),
    `Cannot read "/nope.jsonl": ENOENT: no such file or directory, open '/nope.jsonl'`,
  ],
  [
    () => loadShapesPairs('/nope'),
    `Cannot read "/nope": ENOENT: no such file or directory, open '/nope'`,
  ],
  [
    () => readImage('/nope.png'),
    `Cannot read "/nope.png": ENOENT: no such file or directory, open '/nope.png'`,
  ],
  [
    () => readImage(folder),
    `Cannot read "${folder}": EISDIR: illegal operation on a directory, read`,
  ],
  [
    () => writeImage('/nope/x.png', pixel),
    `Cannot write "/nope/x.png" as its folder must be there: ENOENT: no such file or directory, open '/nope/x.png'`,
  ],
  [
    () => httpReward({} as never),
    'Cannot ask a server for rewards as url must be an address, or a list of them: current value is undefined',
  ],
  [() => loadPipeline(undefined as never), `${PATH}: current value is undefined`],
  [() => loadPipeline(''), `${PATH}: current value is ""`],
  [
    () => loss({ log_probs: [3], old_log_probs: [4], advantages: [3] }),
    'Cannot compute loss "flow_grpo" as the shapes of its inputs must fit each other: current values are log_probs [3], old_log_probs [4], advantages [3]',
  ],
  [
    () => deal({ size: 0 }),
    'Cannot deal out mini-batches as size must be a whole number from 1, or null: current value is 0',
  ],
  [
    () => deal({ size: NaN }),
    'Cannot deal out mini-batches as size must be a whole number from 1, or null: current value is NaN',
  ],
  [
    () => deal({ epochs: -1 }),
    'Cannot deal out mini-batches as epochs must be a whole number from 1: current value is -1',
  ],
  [
    () => deal({ order: undefined }),
    'Cannot deal out mini-batches as order must be a random key or a seed: current value is undefined',
  ],
  [
    () => rewards([NaN, 1]),
    'Cannot compute advantages as rewards must be finite numbers: row 0 has NaN',
  ],
  [
    () => rewards([1, '2']),
    'Cannot compute advantages as rewards must be finite numbers: row 1 has "2"',
  ],
  [() => step(-2), 'Cannot step as noiseLevel must be a number from 0: current value is -2'],
  [
    () => step([0.7, NaN]),
    'Cannot step as noiseLevel must be a number from 0: current value is NaN',
  ],
  [() => step(0.7, []), 'Cannot step as sample must have rows, as (B, ...): its shape is []'],
  [
    () => pixelImage(1, 1, [300, 0, 0]),
    'Cannot make a picture as its values must be from 0 to 255: current value at 0 is 300',
  ],
  [
    () => pixelImage(1, 1, [0, -5, NaN]),
    'Cannot make a picture as its values must be from 0 to 255: current value at 1 is -5',
  ],
  [
    () => pixelImage(1, 1, [0, 0, NaN]),
    'Cannot make a picture as its values must be from 0 to 255: current value at 2 is NaN',
  ],
];

describe('plain mistakes', () => {
  for (const [call, message] of MISTAKES) {
    it(`are told: ${message}`, async () => {
      const tensors = tf.memory().numTensors;
      await assert.rejects(async () => call(), { message });
      assert.equal(tf.memory().numTensors, tensors, 'no tensor is left');
    });
  }

  it('leave what is right as it was', () => {
    assert.deepEqual([...pixelImage(1, 1, [0, 254.9, 255]).data], [0, 254, 255]);
    assert.deepEqual(deal({ size: null, order: RandomKey.fromSeed(1) }), [[0, 1, 2]]);
    tf.dispose(step(0) as tf.Tensor[]);
    tf.dispose(step([0.7, 1.5]) as tf.Tensor[]);
  });
});
