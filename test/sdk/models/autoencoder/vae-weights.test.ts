import assert from 'node:assert/strict';
import { convolve } from '../../../../sdk/src/models/autoencoder/layers';
import { VaeWeights } from '../../../../sdk/src/models/autoencoder/vae-weights';
import { tf } from '../../../../sdk/src/tensorflow';
import { waves } from '../waves';

describe('VaeWeights', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());
  const farthest = (a: tf.Tensor, b: tf.Tensor): number =>
    tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

  it('convolution() gives for one frame what the causal 3D convolution gives', () => {
    const weight = waves([5, 4, 3, 3, 3], 1); // (out, in, kt, kh, kw)
    const bias = waves([5], 2);
    const weights = new VaeWeights(
      'Autoencoder',
      new Map([
        ['c.weight', weight],
        ['c.bias', bias],
      ]),
    );
    const x = waves([2, 6, 7, 4]) as tf.Tensor4D;
    const frames = tf.pad(x.expandDims(1), [
      [0, 0],
      [2, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]) as tf.Tensor5D;
    const kernel = tf.transpose(weight, [2, 3, 4, 1, 0]) as tf.Tensor5D;
    const expected = tf.add(tf.conv3d(frames, kernel, 1, 'valid').squeeze([1]), bias);
    assert.ok(farthest(convolve(x, weights.convolution('c')), expected) < 1e-5);
    weights.dispose();
  });

  it('upsamplingConvolution() gives what nearest upsampling and the convolution give', () => {
    const stateDict = new Map([
      ['c.weight', waves([5, 4, 3, 3], 1)],
      ['c.bias', waves([5], 2)],
    ]);
    const weights = new VaeWeights('Autoencoder', stateDict);
    const x = waves([2, 3, 4, 4]) as tf.Tensor4D;
    const fine = tf.image.resizeNearestNeighbor(x, [6, 8]);
    const { kernel, bias } = weights.upsamplingConvolution('c');
    const actual = tf.add(tf.depthToSpace(tf.conv2d(x, kernel, 1, 'same'), 2, 'NHWC'), bias);
    assert.ok(farthest(actual, convolve(fine, weights.convolution('c'))) < 1e-5);
    weights.dispose();
  });
});
