import assert from 'node:assert/strict';
import { computeLoss, lossGradients } from '../../../sdk/src/losses';
import { tf } from '../../../sdk/src/tensorflow';
import { someInputs } from './some-inputs';

describe('lossGradients()', () => {
  it('gives gradients by name and metrics on demand, and dispose() frees all', () => {
    const inputs = someInputs();
    const variables = new Map([
      ['shift', tf.variable(tf.scalar(0.5))],
      ['unused', tf.variable(tf.scalar(1))],
    ]);
    const before = tf.memory().numTensors;
    const compute = () =>
      computeLoss('flow_grpo', {
        ...inputs,
        log_probs: inputs.log_probs.add(variables.get('shift') as tf.Variable),
      });
    const { gradients, readMetrics, dispose } = lossGradients(compute, variables);
    assert.deepEqual([...gradients.keys()], ['shift']);
    const { loss, ...metrics } = readMetrics();
    assert.ok(Number.isFinite(loss));
    assert.equal(Object.keys(metrics).length, 6);
    dispose();
    assert.equal(tf.memory().numTensors, before);
    tf.dispose([...variables.values()]);
    tf.dispose(inputs);
  });

  it('throws what the loss throws, and leaks nothing then', () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const before = tf.memory().numTensors;
    const compute = () => {
      x.square().sum().sqrt();
      throw new RangeError('the loss is wrong');
    };
    assert.throws(() => lossGradients(compute, new Map([['x', x]])), {
      name: 'RangeError',
      message: 'the loss is wrong',
    });
    assert.equal(tf.memory().numTensors, before);
    x.dispose();
  });
});
