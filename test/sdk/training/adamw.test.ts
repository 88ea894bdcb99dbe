import assert from 'node:assert/strict';
import { AdamW } from '../../../sdk/src/training/adamw';
import {
  clipGradients,
  clipGradientsInSlices,
  globalNorm,
} from '../../../sdk/src/training/clip-gradients';
import { weightGroups } from '../../../sdk/src/training/weight-groups';
import { tf } from '../../../sdk/src/tensorflow';

const values = (tensor: tf.Tensor | undefined) => [...(tensor as tf.Tensor).dataSync()];

/** Runs `body` with fresh parameters and checks that nothing is left afterwards. */
function withParameters(
  body: (parameters: Map<string, tf.Variable>, optimizer: AdamW) => void,
  options = { lr: 0.1 },
): void {
  const before = tf.memory().numTensors;
  const parameters = new Map([
    ['a', tf.tidy(() => tf.variable<tf.Rank>(tf.tensor1d([1, -2])))],
    ['b', tf.tidy(() => tf.variable<tf.Rank>(tf.scalar(3)))],
  ]);
  const optimizer = new AdamW(parameters, options);
  tf.tidy(() => body(parameters, optimizer));
  optimizer.dispose();
  tf.dispose([...parameters.values()]);
  assert.equal(tf.memory().numTensors, before);
}

const gradients = () =>
  new Map<string, tf.Tensor>([
    ['a', tf.tensor1d([0.3, -5])],
    ['b', tf.scalar(0)],
  ]);

describe('AdamW', () => {
  it('moves by lr against the gradient in its first step, whatever the gradient is', () => {
    withParameters((parameters, optimizer) => {
      optimizer.step(gradients());
      const [first, second] = values(parameters.get('a'));
      assert.ok(Math.abs(first - (1 * (1 - 0.001) - 0.1)) < 1e-6, `${first}`);
      assert.ok(Math.abs(second - (-2 * (1 - 0.001) + 0.1)) < 1e-6, `${second}`);
    });
  });

  it('decays a parameter whose gradient is zero, and leaves one without a gradient alone', () => {
    withParameters((parameters, optimizer) => {
      optimizer.step(gradients());
      assert.ok(Math.abs(values(parameters.get('b'))[0] - 3 * (1 - 0.001)) < 1e-6);
      const before = values(parameters.get('b'));
      optimizer.step(new Map([['a', tf.zeros([2])]]));
      assert.deepEqual(values(parameters.get('b')), before);
      assert.deepEqual(values(optimizer.stateDict().get('step.a')), [2]);
      assert.deepEqual(values(optimizer.stateDict().get('step.b')), [1]);
    });
  });

  it('leaks no tensor from step to step', () => {
    withParameters((_, optimizer) => {
      const gradient = gradients();
      optimizer.step(gradient);
      const before = tf.memory().numTensors;
      for (let step = 0; step < 5; step++) optimizer.step(gradient);
      assert.equal(tf.memory().numTensors, before);
    });
  });

  it('goes on from a saved state as if it had never stopped', () => {
    withParameters((parameters, optimizer) => {
      optimizer.step(gradients());
      optimizer.step(gradients());
      const copies = new Map(
        [...parameters].map(([name, one]) => [name, tf.variable(one.clone())]),
      );
      const resumed = new AdamW(copies, { lr: 0.1 });
      resumed.loadStateDict(optimizer.stateDict());
      optimizer.step(gradients());
      resumed.step(gradients());
      for (const [name, copy] of copies)
        assert.deepEqual(values(copy), values(parameters.get(name)));
      resumed.dispose();
      tf.dispose([...copies.values()]);
    });
  });

  it('takes the same step on another thread, to the last bit, and leaks nothing', async () => {
    const make = () => {
      const parameters = new Map(
        Array.from({ length: 40 }, (_, at): [string, tf.Variable] => [
          `blocks.${Math.floor(at / 18)}.w${at % 18}`,
          tf.tidy(() =>
            tf.variable<tf.Rank>(tf.randomNormal([3, 1 + (at % 18)], 0, 1, 'float32', at + 1)),
          ),
        ]),
      );
      const optimizer = new AdamW(parameters, { lr: 0.1 });
      return { parameters, optimizer };
    };
    const before = tf.memory().numTensors;
    const [here, elsewhere] = [make(), make()];
    const gradients = new Map(
      [...here.parameters].map(([name, one]) => [name, tf.sin(one) as tf.Tensor]),
    );
    const wanted = new Map([...gradients].slice(5));
    for (const given of [wanted, gradients, gradients]) {
      const [a, b] = [clipGradients(given, 2), await clipGradientsInSlices(given, 2)];
      assert.equal(a.norm, b.norm);
      assert.ok(a.norm > 2);
      here.optimizer.step(a.gradients);
      await elsewhere.optimizer.stepAsync(b.gradients);
      tf.dispose([...a.gradients.values(), ...b.gradients.values()]);
    }
    for (const [name, parameter] of here.parameters) {
      assert.deepEqual(values(elsewhere.parameters.get(name)), values(parameter), name);
    }
    tf.dispose([...gradients.values()]);
    for (const { parameters, optimizer } of [here, elsewhere]) {
      optimizer.dispose();
      tf.dispose([...parameters.values()]);
    }
    assert.equal(tf.memory().numTensors, before);
  });

  it('refuses a gradient without parameter, a state that lacks a part, and impossible settings', () => {
    withParameters((parameters, optimizer) => {
      assert.throws(() => optimizer.step(new Map([['c', tf.scalar(1)]])), {
        message: 'Cannot step AdamW as there is no parameter "c"',
      });
      assert.throws(() => optimizer.loadStateDict(new Map([['step.a', tf.scalar(1)]])), {
        message: 'Cannot load AdamW\'s state as "exp_avg.a" is missing',
      });
      assert.throws(() => new AdamW(parameters, { lr: -1 }), {
        message: 'Cannot make AdamW as lr must be a number from 0: current value is -1',
      });
      assert.throws(() => new AdamW(parameters, { betas: [0.9, 1] }), {
        message:
          'Cannot make AdamW as betas[1] must be a number from 0 to below 1: current value is 1',
      });
    });
  });
});

describe('clipGradients()', () => {
  it('scales to the largest norm and leaves smaller gradients as they are', () => {
    tf.tidy(() => {
      const given = new Map<string, tf.Tensor>([
        ['w', tf.tensor1d([3, 0])],
        ['b', tf.scalar(4)],
      ]);
      const { gradients: clipped, norm } = clipGradients(given, 1);
      assert.equal(norm, 5);
      assert.ok(Math.abs(globalNorm(clipped) - 1) < 1e-6);
      assert.deepEqual(values(clipGradients(given, 6).gradients.get('b')), [4]);
      assert.deepEqual(values(clipGradients(given, Infinity).gradients.get('w')), [3, 0]);
    });
  });

  it('reports a norm that is not finite', () => {
    tf.tidy(() => {
      assert.ok(Number.isNaN(clipGradients(new Map([['w', tf.scalar(NaN)]]), 1).norm));
      assert.equal(clipGradients(new Map(), 1).norm, 0);
    });
  });

  it('leaves nothing where a gradient is gone, at once and in slices', async () => {
    const [kept, gone] = [tf.tensor1d([3, 4]), tf.tensor1d([1])];
    gone.dispose();
    const given = new Map([
      ['blocks.0.w', kept],
      ['blocks.1.w', gone],
    ]);
    const before = tf.memory().numTensors;
    assert.throws(() => clipGradients(given, 1), /sumsOfSquares/);
    await assert.rejects(clipGradientsInSlices(given, 1), /sumsOfSquares/);
    assert.equal(tf.memory().numTensors, before);
    kept.dispose();
  });

  it('refuses a norm that is not positive', () => {
    assert.throws(() => clipGradients(new Map(), 0), {
      message: 'Cannot clip gradients as maxNorm must be positive: 0',
    });
  });
});

describe('weightGroups()', () => {
  const sized = (sizes: Record<string, number>) =>
    new Map(Object.entries(sizes).map(([name, size]) => [name, { size } as tf.Tensor]));

  it('ends a group with its block, at sixteen tensors and at four million elements', () => {
    assert.deepEqual(weightGroups(sized({ a: 1, 'x.0.a': 1, 'x.0.b': 1, 'x.1.a': 1, z: 1 })), [
      ['a'],
      ['x.0.a', 'x.0.b'],
      ['x.1.a'],
      ['z'],
    ]);
    const names = Array.from({ length: 33 }, (_, at) => `x.0.w${at}`);
    const many = weightGroups(sized(Object.fromEntries(names.map((name) => [name, 1]))));
    assert.deepEqual(
      many.map(({ length }) => length),
      [16, 16, 1],
    );
    assert.deepEqual(many.flat(), names);
    const half = 2 ** 21;
    assert.deepEqual(weightGroups(sized({ a: half, b: half, c: 1 })), [['a', 'b'], ['c']]);
  });

  it('keeps apart what is to be apart', () => {
    const groups = weightGroups(sized({ a: 1, b: 1, c: 1 }), (name) => name === 'b');
    assert.deepEqual(groups, [['a'], ['b'], ['c']]);
    assert.deepEqual(weightGroups(new Map()), []);
  });
});
