import assert from 'node:assert/strict';
import { AdamW } from '../../../sdk/src/training/adamw';
import { whereNotFinite } from '../../../sdk/src/training/not-finite';
import { tf } from '../../../sdk/src/tensorflow';

/** Weights of two blocks that are alike, and copies of them. */
function copied(): { weights: Map<string, tf.Variable>; copies: Map<string, tf.Variable> } {
  const weights = new Map(
    [1, 2].map((value, block) => [
      `blocks.${block}.w`,
      tf.tidy(() => tf.variable<tf.Rank>(tf.fill([2], value))),
    ]),
  );
  const copies = new Map(
    [...weights].map(([name, weight]) => [name, tf.variable(weight as tf.Tensor)]),
  );
  return { weights, copies };
}

describe('weights that are copies of others', () => {
  it('are updated each from its own values', () => {
    const { weights, copies } = copied();
    const optimizer = new AdamW(copies, { lr: 0.1, weightDecay: 0 });
    tf.tidy(() => optimizer.step(new Map([...copies.keys()].map((name) => [name, tf.ones([2])]))));
    const values = [...copies.values(), ...weights.values()].map((one) => one.dataSync()[0]);
    [0.9, 1.9, 1, 2].forEach((expected, at) => {
      assert.ok(Math.abs(values[at] - expected) < 1e-6, `${values}`);
    });
    optimizer.dispose();
    tf.dispose([...weights.values(), ...copies.values()]);
  });

  it('may be removed after they were checked', () => {
    const { weights, copies } = copied();
    assert.equal(whereNotFinite(copies), null);
    tf.dispose([...copies.values()]);
    assert.equal(whereNotFinite(weights), null);
    weights.get('blocks.1.w')?.assign(tf.tensor1d([1, NaN]));
    assert.equal(whereNotFinite(weights), '"blocks.1.w" (1 of 2 values)');
    tf.dispose([...weights.values()]);
  });
});
