import assert from 'node:assert/strict';
import { groupNorm } from '../../../../sdk/src/models/stable-diffusion-3/group-norm';
import { tf } from '../../../../sdk/src/tensorflow';
import { checkGradient, normal } from '../check-gradient';

describe('groupNorm()', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('gives each group of channels mean 0 and variance 1 over the picture', () => {
    const x = tf.add(tf.mul(normal('x', [2, 5, 4, 6]), 3), 10) as tf.Tensor4D;
    const y = groupNorm(x, tf.ones([6]), tf.zeros([6]), 2);
    const groups = y.reshape([2, 20, 2, 3]);
    const { mean, variance } = tf.moments(groups, [1, 3]);
    assert.ok(tf.max(tf.abs(mean)).dataSync()[0] < 1e-5);
    assert.ok(tf.max(tf.abs(tf.sub(variance, 1))).dataSync()[0] < 1e-5);
  });

  it('does not see a shift and a scale of a whole group', () => {
    const x = normal('x', [1, 4, 4, 6]) as tf.Tensor4D;
    const [gain, bias] = [normal('gain', [6]), normal('bias', [6])] as tf.Tensor1D[];
    const moved = tf.add(
      tf.mul(x, tf.tensor1d([2, 2, 2, 5, 5, 5])),
      tf.tensor1d([1, 1, 1, -3, -3, -3]),
    ) as tf.Tensor4D;
    const difference = tf.sub(groupNorm(x, gain, bias, 2), groupNorm(moved, gain, bias, 2));
    assert.ok(tf.max(tf.abs(difference)).dataSync()[0] < 1e-5);
  });

  it('has the gradient that finite differences have', () => {
    checkGradient(
      (x, gain, bias) => groupNorm(x as tf.Tensor4D, gain as tf.Tensor1D, bias as tf.Tensor1D, 2),
      [normal('x', [2, 3, 2, 4]), normal('gain', [4]), normal('bias', [4])],
    );
  });
});
