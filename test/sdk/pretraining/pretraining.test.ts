import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  RandomKey,
  initialWeights,
  lossGradients,
  pretrain,
  pretrainingRate,
  randomNormal,
  tf,
  type PretrainingOptions,
  type PretrainingTask,
} from '@flowbook/sdk';

describe('pretrainingRate()', () => {
  const rate = { learningRate: 2, warmupSteps: 10, levelShare: 0.5, finalShare: 0.1 };
  it('rises over the warm-up, stays level, and falls on a line to its last share', () => {
    const at = (step: number) => Number(pretrainingRate(step, 100, rate).toFixed(9));
    assert.deepEqual([1, 5, 10, 50, 75, 100].map(at), [0.2, 1, 2, 2, 1.1, 0.2]);
  });
});

describe('initialWeights()', () => {
  const shapes = new Map([
    ['proj.weight', [64, 25]],
    ['proj.bias', [64]],
    ['conv.weight', [32, 4, 3, 3]],
    ['norm.weight', [8]],
    ['norm.bias', [8]],
    ['other.gamma', [8, 1, 1]],
  ]);
  const values = (weights: Map<string, tf.Tensor>, name: string) => [
    ...(weights.get(name) as tf.Tensor).dataSync(),
  ];

  it("fills layers uniformly within PyTorch's bound, gains with 1 and biases of norms with 0", () => {
    tf.tidy(() => {
      const weights = initialWeights(shapes, RandomKey.fromSeed(1));
      for (const [name, fanIn] of [
        ['proj.weight', 25],
        ['proj.bias', 25],
        ['conv.weight', 36],
      ] as const) {
        const all = values(weights, name);
        const bound = 1 / Math.sqrt(fanIn);
        const largest = Math.max(...all.map(Math.abs));
        assert.ok(largest <= bound && largest > 0.9 * bound, `${name} ${largest}`);
        const variance = all.reduce((sum, x) => sum + x * x, 0) / all.length;
        assert.ok(Math.abs(variance / (bound ** 2 / 3) - 1) < 0.3, `${name} ${variance}`);
      }
      assert.deepEqual(new Set(values(weights, 'norm.weight')), new Set([1]));
      assert.deepEqual(new Set(values(weights, 'other.gamma')), new Set([1]));
      assert.deepEqual(new Set(values(weights, 'norm.bias')), new Set([0]));
    });
  });

  it('gives a tensor by its name alone, whatever else there is', () => {
    tf.tidy(() => {
      const key = RandomKey.fromSeed(1);
      const one = initialWeights(new Map([['proj.weight', [64, 25]]]), key);
      assert.deepEqual(
        values(one, 'proj.weight'),
        values(initialWeights(shapes, key), 'proj.weight'),
      );
    });
  });

  it('refuses a value of another shape', () => {
    assert.throws(
      () => tf.tidy(() => void initialWeights(shapes, RandomKey.fromSeed(1), () => tf.zeros([2]))),
      /Cannot start "proj.weight" as its shape must be \[64,25\]: current value has \[2\]/,
    );
  });
});

describe('pretrain()', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Learns w from noisy values of a line. */
  function lineTask(): PretrainingTask & { w: tf.Variable } {
    const w = tf.variable(tf.zeros([3]));
    const truth = [1, -2, 0.5];
    return {
      w,
      variables: new Map([['w', w]]),
      gradients: (key) => {
        const x = randomNormal(key, [16, 3]);
        const y = tf.tidy(() => tf.sum(tf.mul(x, truth), 1));
        const part = lossGradients(
          () => ({
            loss: tf.mean(tf.squaredDifference(tf.sum(tf.mul(x, w), 1), y)) as tf.Scalar,
            metrics: {},
          }),
          new Map([['w', w]]),
        );
        tf.dispose([x, y]);
        return part;
      },
      evaluate: () => ({ distance: Math.hypot(...[...w.dataSync()].map((v, i) => v - truth[i])) }),
    };
  }
  const options = (more: Partial<PretrainingOptions> = {}): PretrainingOptions => ({
    steps: 120,
    learningRate: 0.1,
    warmupSteps: 5,
    levelShare: 0.5,
    finalShare: 0.05,
    betas: [0.9, 0.99],
    weightDecay: 0,
    maxGradNorm: 10,
    average: 0.9,
    seed: 3,
    everySteps: 40,
    folder,
    ...more,
  });
  const logOf = () =>
    readFileSync(join(folder, 'log.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const { seconds, ...rest } = JSON.parse(line) as Record<string, number>;
        assert.ok(seconds >= 0);
        return rest;
      });

  it('learns, and leaves the mean of the weights in their place', async () => {
    const task = lineTask();
    const { distance } = await pretrain(task, options());
    assert.ok(distance < 0.02, `${distance}`);
    assert.deepEqual(task.evaluate?.(), { distance });
    assert.deepEqual(await pretrain(task, options()), { distance }, 'also once it is finished');
    task.w.dispose();
  });

  it('goes on where it was stopped, to the same bits and the same log', async () => {
    const whole = lineTask();
    await pretrain(whole, options());
    const expected = { weights: [...whole.w.dataSync()], log: logOf() };
    rmSync(folder, { recursive: true });

    const first = lineTask();
    const controller = new AbortController();
    const stop = ({ step }: Record<string, number>) =>
      step >= 100 && controller.abort(new Error('enough'));
    await assert.rejects(
      pretrain(first, options({ signal: controller.signal, onProgress: stop })),
      /enough/,
    );
    assert.equal(logOf().at(-1)?.step, 100);
    const second = lineTask();
    await pretrain(second, options());
    assert.deepEqual({ weights: [...second.w.dataSync()], log: logOf() }, expected);
    tf.dispose([whole.w, first.w, second.w]);
  });

  it('does not go on from other settings', async () => {
    const task = lineTask();
    await pretrain(task, options());
    await assert.rejects(
      pretrain(task, options({ learningRate: 0.2 })),
      /begun with other settings/,
    );
    task.w.dispose();
  });

  it('stops at a loss that is not finite and keeps what was saved', async () => {
    const task = lineTask();
    const broken: PretrainingTask = {
      ...task,
      gradients: (key) => {
        if (task.w.dataSync()[0] > 0.5) task.w.assign(tf.fill([3], NaN));
        return task.gradients(key);
      },
    };
    await assert.rejects(
      pretrain(broken, options({ everySteps: 1 })),
      /loss must be finite: current value is NaN, at step \d+/,
    );
    assert.ok(logOf().every(({ loss }) => Number.isFinite(loss)));
    task.w.dispose();
  });

  it('leaves as many tensors as it found', async () => {
    const task = lineTask();
    const { numTensors } = tf.memory();
    await pretrain(task, options());
    assert.equal(tf.memory().numTensors, numTensors);
    task.w.dispose();
  });
});
