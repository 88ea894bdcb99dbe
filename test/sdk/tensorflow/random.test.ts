import assert from 'node:assert/strict';
import { RandomKey } from '../../../sdk/src/core/random-key';
import { nativeBackend, tf } from '../../../sdk/src/tensorflow';
import {
  drawNormal,
  keyGenerator,
  replayGenerator,
  seedDefaultGenerator,
} from '../../../sdk/src/tensorflow/generator';
import {
  philoxNormal,
  philoxUniform,
  randomNormal,
  randomUniform,
} from '../../../sdk/src/tensorflow/random';
import { asyncTidy } from '../../../sdk/src/tensorflow/scope';
import { torchGenerator } from '../../../sdk/src/tensorflow/torch-generator';

const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

describe('randomNormal()', () => {
  it('gives the same bits in JavaScript and natively, on one thread and on several', function () {
    if (nativeBackend() === null) this.skip();
    for (const [seed, count] of [0, 1, -5, 123456789].flatMap((seed) =>
      [1, 231, 256, 40_000].map((count) => [seed, count]),
    )) {
      const key = RandomKey.fromSeed(seed);
      const native = tf.tidy(() => randomNormal(key, [count]).dataSync());
      assert.deepEqual(native, philoxNormal(key.words, count), `seed ${seed}`);
    }
  });

  it("follows TensorFlow's StatelessRandomNormal to 1e-5", function () {
    const native = nativeBackend();
    if (native === null) return this.skip();
    const attributes = [
      ['dtype', 1],
      ['T', 3],
      ['Tseed', 3],
    ].map(([name, value]) => ({ name, type: 4, value }));
    const { words } = RandomKey.fromSeed(5);
    tf.tidy(() => {
      const inputs = [tf.tensor1d([3, 77], 'int32'), tf.tensor1d([...words], 'int32')];
      const theirs = native.executeSingleOutput('StatelessRandomNormal', attributes, inputs);
      const gap = tf.max(tf.abs(tf.sub(theirs, randomNormal(RandomKey.fromSeed(5), [3, 77]))));
      assert.ok(gap.dataSync()[0] < 1e-5, `${gap.dataSync()[0]}`);
    });
  });

  it('is standard normal: mean 0, variance 1, kurtosis 3', () => {
    const draws = philoxNormal(RandomKey.fromSeed(3).words, 100_000);
    const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length;
    assert.ok(Math.abs(moment(1)) < 0.01, `mean ${moment(1)}`);
    assert.ok(Math.abs(moment(2) - 1) < 0.015, `variance ${moment(2)}`);
    assert.ok(Math.abs(moment(4) - 3) < 0.1, `kurtosis ${moment(4)}`);
  });

  it('leaves one tensor behind, also a scalar and an empty one', () => {
    for (const shape of [[], [0], [2, 3]]) {
      const before = tf.memory().numTensors;
      const noise = randomNormal(RandomKey.fromSeed(0), shape);
      assert.deepEqual(noise.shape, shape);
      assert.equal(tf.memory().numTensors, before + 1);
      noise.dispose();
    }
  });
});

describe('a draw of noise', () => {
  const key = RandomKey.fromSeed(1);
  const draws = {
    randomNormal: (shape: number[]) => randomNormal(key, shape),
    randomUniform: (shape: number[]) => randomUniform(key, shape),
    keyGenerator: (shape: number[]) => keyGenerator(1).randn(shape),
    torchGenerator: (shape: number[]) => torchGenerator(1).randn(shape),
  };
  for (const [name, draw] of Object.entries(draws)) {
    it(`of ${name} refuses a shape that is none, or too large`, () => {
      for (const shape of [
        [2, -3],
        [-1],
        [2, 1.5],
        [NaN],
        [1, 1e13],
        [1, 2 ** 40, 2 ** 40],
        [0, 2 ** 31],
      ]) {
        assert.throws(() => draw(shape), {
          message: `Cannot draw noise as its shape must be whole numbers from 0 that hold less than 2^31 numbers: current value is [${shape.join(', ')}]`,
        });
      }
    });
  }
});

describe('randomUniform()', () => {
  it('gives the same bits in JavaScript and in TensorFlow', function () {
    if (nativeBackend() === null) this.skip();
    for (const seed of [0, -5, 123456789]) {
      const key = RandomKey.fromSeed(seed);
      const native = tf.tidy(() => randomUniform(key, [3, 77]).dataSync());
      assert.deepEqual(philoxUniform(key.words, 231), native);
    }
  });
});

describe('keyGenerator()', () => {
  it('gives a row the same bits whatever the batch size', () => {
    tf.tidy(() => {
      const draw = (B: number) => values(keyGenerator(7).randn([B, 4, 3]));
      assert.deepEqual(draw(5).slice(0, 24), draw(2));
    });
  });

  it('gives new numbers at every draw and repeats them from its key', () => {
    tf.tidy(() => {
      const [stream, again] = [keyGenerator(7), keyGenerator(RandomKey.fromSeed(7))];
      const [first, second] = [values(stream.randn([2, 2])), values(stream.randn([2, 2]))];
      assert.notDeepEqual(first, second);
      assert.deepEqual(values(again.randn([2, 2])), first);
      assert.deepEqual(values(again.randn([2, 2])), second);
      assert.equal(stream.integer(0, 1000), again.integer(0, 1000));
    });
  });
});

describe('drawNormal()', () => {
  it('takes one generator a row and gives each row its own stream', () => {
    tf.tidy(() => {
      const rows = drawNormal([keyGenerator(1), keyGenerator(2)], [2, 3]);
      assert.deepEqual(values(rows.slice(0, 1)), values(keyGenerator(1).randn([1, 3])));
      assert.deepEqual(values(rows.slice(1, 1)), values(keyGenerator(2).randn([1, 3])));
    });
  });

  it('refuses a list of another length than the batch', () => {
    assert.throws(() => drawNormal([keyGenerator(1)], [2, 3]), {
      message: 'Cannot draw noise as a list of generators must have one a row (2): it has 1',
    });
  });

  it('repeats the default stream after seedDefaultGenerator()', () => {
    tf.tidy(() => {
      seedDefaultGenerator(5);
      const first = values(drawNormal(undefined, [2]));
      seedDefaultGenerator(5);
      assert.deepEqual(values(drawNormal(null, [2])), first);
    });
  });
});

describe('replayGenerator()', () => {
  it('gives the recorded draws in order and says what does not fit', () => {
    tf.tidy(() => {
      const recorded = replayGenerator([tf.ones([2]), tf.zeros([3])], [4]);
      assert.deepEqual(values(recorded.randn([2])), [1, 1]);
      assert.equal(recorded.integer(0, 5), 4);
      assert.throws(() => recorded.integer(0, 5), {
        message: 'Cannot replay an integer draw as only 1 were recorded',
      });
      assert.throws(() => recorded.randn([2]), {
        message: 'Cannot replay normal draw 1 as its shape must be [2]: it is [3]',
      });
    });
  });
});

describe('asyncTidy()', () => {
  it('disposes everything but the result, also when the function fails', async () => {
    const before = tf.memory().numTensors;
    const { sum } = await asyncTidy(async () => {
      const ones = tf.ones([3]);
      await Promise.resolve();
      return { sum: ones.sum() };
    });
    assert.equal(tf.memory().numTensors, before + 1);
    sum.dispose();
    await assert.rejects(
      asyncTidy(async () => {
        tf.ones([3]);
        throw new Error('on purpose');
      }),
      { message: 'on purpose' },
    );
    assert.equal(tf.memory().numTensors, before);
  });
});
