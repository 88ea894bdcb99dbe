import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  LoraAdapters,
  PolicyState,
  QwenImageTransformer2DModel,
  RandomKey,
  WeightCopy,
  tf,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** Adds `by` to every value of a set of variables. */
function move(variables: ReadonlyMap<string, tf.Variable>, by: number): void {
  for (const variable of variables.values()) tf.tidy(() => variable.assign(tf.add(variable, by)));
}

describe('LoraAdapters', () => {
  let adapters: LoraAdapters;

  beforeEach(() => {
    adapters = new LoraAdapters(new Map([['layer', [3, 2] as const]]));
    adapters.create('default', ['layer'], { rank: 1, key: RandomKey.fromSeed(1) });
  });

  afterEach(() => adapters.dispose());

  const firstOf = (name: string) => values(adapters.get(name).get('layer')?.A as tf.Variable)[0];

  it('copy() makes a set that takes no part, and later its equal', () => {
    adapters.copy('default', 'old');
    assert.deepEqual(adapters.active, ['default']);
    move(adapters.variables(), 1);
    assert.ok(Math.abs(firstOf('default') - firstOf('old') - 1) < 1e-6);
    adapters.copy('default', 'old');
    assert.equal(firstOf('default'), firstOf('old'));
    move(adapters.variables(), 1);
    assert.notEqual(firstOf('default'), firstOf('old'));
  });

  it('average() moves a set by its share of the way', () => {
    adapters.copy('default', 'old');
    const before = firstOf('old');
    move(adapters.variables(), 1);
    adapters.average('default', 'old', 0.75);
    assert.ok(Math.abs(firstOf('old') - before - 0.25) < 1e-6);
    adapters.average('default', 'old', 1);
    assert.ok(Math.abs(firstOf('old') - before - 0.25) < 1e-6);
    assert.throws(() => adapters.average('default', 'old', 1.5), {
      message: 'Cannot average adapters as the decay must be 0 to 1: current value is 1.5',
    });
  });

  it('copy() and average() take the weight of a set along', () => {
    adapters.setActive(['default'], [0.5]);
    adapters.copy('default', 'old');
    assert.equal(adapters.weightOf('old'), 0.5);
    adapters.setActive(['default'], [1]);
    adapters.average('default', 'old', 0.75);
    assert.equal(adapters.weightOf('old'), 0.625);
    adapters.copy('default', 'old');
    assert.equal(adapters.weightOf('old'), 1);
    adapters.setActive(['default'], [2]);
    adapters.average('default', 'old', 0);
    assert.equal(adapters.weightOf('old'), 2);
  });

  it('average() of two equal weights is that weight, to the last bit', () => {
    for (const weight of [0.7, 1.1]) {
      adapters.setActive(['default'], [weight]);
      adapters.copy('default', 'old');
      for (let decay = 0.001; decay <= 0.5; decay += 0.001) {
        adapters.average('default', 'old', decay);
        assert.equal(adapters.weightOf('old'), weight, `decay ${decay}`);
      }
    }
  });

  it('copy() and average() refuse sets of another layout', () => {
    adapters.create('wide', ['layer'], { rank: 2, key: RandomKey.fromSeed(2) });
    assert.throws(() => adapters.copy('default', 'wide'), {
      message:
        'Cannot copy adapter "default" to "wide" as both must have the same layers, ranks and alphas: current numbers of layers are 1 and 1',
    });
    assert.throws(() => adapters.average('default', 'absent', 0), /Cannot find adapter "absent"/);
  });

  it('using() chooses sets for a while, also when the work fails or is a promise', async () => {
    adapters.copy('default', 'old');
    adapters.enabled = false;
    assert.deepEqual(
      adapters.using(['old'], () => [adapters.enabled, ...adapters.active]),
      [true, 'old'],
    );
    assert.throws(() =>
      adapters.using([], () => {
        throw new Error('failed');
      }),
    );
    const work = adapters.using([], async () => {
      await Promise.resolve();
      return adapters.active.length;
    });
    assert.deepEqual(adapters.active, []);
    assert.equal(await work, 0);
    assert.deepEqual([adapters.enabled, ...adapters.active], [false, 'default']);
  });
});

describe('WeightCopy', () => {
  it('holds values beside the variables, and lends them', () => {
    const weight = tf.variable(tf.tensor1d([1]));
    const count = tf.memory().numTensors;
    const copy = new WeightCopy(new Map([['weight', weight]]));
    tf.tidy(() => weight.assign(tf.tensor1d([3])));
    copy.average(0.75);
    assert.deepEqual(
      copy.use(() => values(weight)),
      [1.5],
    );
    assert.deepEqual(values(weight), [3]);
    copy.copy();
    assert.deepEqual(values(copy.values.get('weight') as tf.Tensor), [3]);
    copy.dispose();
    assert.equal(tf.memory().numTensors, count);
    weight.dispose();
  });
});

describe('PolicyState', () => {
  let model: QwenImageTransformer2DModel;
  const current = () => values([...model.trainableVariables().values()][0])[0];

  beforeEach(() => {
    model = QwenImageTransformer2DModel.fromPretrained(MODEL);
  });

  afterEach(() => model.dispose());

  for (const kind of ['adapters', 'all weights']) {
    it(`copyOf() keeps an old policy of ${kind}, and leaves as many tensors as it found`, () => {
      if (kind === 'adapters') {
        model.addLora({ rank: 2, targetModules: ['to_q'], key: RandomKey.fromSeed(1) });
      }
      const count = tf.memory().numTensors;
      const start = current();
      const old = PolicyState.copyOf(model, 'old');
      move(model.trainableVariables(), 1);
      assert.equal(old.use(current), start);
      old.average(0.5);
      assert.ok(Math.abs(old.use(current) - start - 0.5) < 1e-6);
      old.copy();
      assert.equal(old.use(current), current());
      assert.equal(old.values().size, model.trainableVariables().size);
      old.dispose();
      assert.equal(tf.memory().numTensors, count);
    });
  }

  it('referenceOf() is the model without adapters, or all weights as they were', () => {
    const whole = PolicyState.referenceOf(model);
    const start = current();
    move(model.trainableVariables(), 1);
    assert.equal(whole.use(current), start);
    whole.dispose();
    model.addLora({ rank: 2, targetModules: ['to_q'], key: RandomKey.fromSeed(1) });
    const bare = PolicyState.referenceOf(model);
    assert.deepEqual(
      bare.use(() => model.adapters.active),
      [],
    );
    assert.equal(bare.values().size, 0);
    assert.throws(
      () => bare.copy(),
      /Cannot change the reference policy as it is the model without its adapters/,
    );
    bare.dispose();
  });

  it('copyOf() refuses a name that is taken, and leaves that adapter as it was', () => {
    const options = { rank: 2, targetModules: ['to_q'], key: RandomKey.fromSeed(1) };
    model.addLora({ ...options, adapterName: 'old' });
    model.setAdapters([]);
    model.addLora(options);
    assert.throws(() => PolicyState.copyOf(model, 'old'), {
      message:
        'Cannot copy a policy to adapter "old" as the name must be free: present are old, default; call adapters.remove("old") first, or load it under another name',
    });
    assert.deepEqual(model.adapters.names(), ['old', 'default']);
  });

  it('referenceOf() is the merged model for adapters on top of it, and there is none for merged ones alone', () => {
    const key = RandomKey.fromSeed(1);
    model.addLora({ rank: 2, targetModules: ['to_q'], key, adapterName: 'style' });
    model.mergeLora();
    const message =
      "Cannot keep another state of a policy as one of the model's adapters must take part: present are style, merged are style; call unmergeLora(), or add one that is trained on top";
    assert.throws(() => PolicyState.referenceOf(model), { message });
    assert.throws(() => PolicyState.copyOf(model, 'old'), { message });
    model.addLora({ rank: 2, targetModules: ['to_q'], key });
    assert.deepEqual(
      PolicyState.referenceOf(model).use(() => model.adapters.active),
      [],
    );
    const old = PolicyState.copyOf(model, 'old');
    assert.deepEqual(
      old.use(() => model.adapters.active),
      ['old'],
    );
    old.dispose();
  });

  it('copyOf() refuses a model whose policy is several adapters', () => {
    const key = RandomKey.fromSeed(1);
    model.addLora({ rank: 2, targetModules: ['to_q'], key });
    model.addLora({ rank: 2, targetModules: ['to_q'], key, adapterName: 'style' });
    assert.throws(() => PolicyState.copyOf(model, 'old'), {
      message:
        'Cannot copy a policy to adapter "old" as exactly one other adapter must be active: active are default, style',
    });
  });
});
