import assert from 'node:assert/strict';
import { drawNormal, tf, torchGenerator } from '@flowbook/sdk';

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

describe('torchGenerator()', () => {
  it('randn() has the shape and type asked for', () => {
    const noise = torchGenerator(0).randn([2, 3]);
    assert.deepEqual([noise.shape, noise.dtype], [[2, 3], 'float32']);
    assert.deepEqual(
      values(noise).slice(0, 3),
      [1.5409960746765137, -0.293428897857666, -2.1787893772125244],
    );
    assert.deepEqual(torchGenerator(0).randn([]).shape, []);
  });

  it('is the same stream for the same seed, whatever was drawn elsewhere', () => {
    const [a, b] = [torchGenerator(3), torchGenerator(3)];
    for (const shape of [[3], [4, 8], [2]]) {
      torchGenerator(4).randn([5]);
      assert.deepEqual(values(a.randn(shape)), values(b.randn(shape)));
    }
    assert.equal(a.integer(0, 100), b.integer(0, 100));
  });

  it('gives each row its own numbers as a list with one generator a row', () => {
    const noise = drawNormal([torchGenerator(1), torchGenerator(2)], [2, 4, 4]);
    const second = torchGenerator(2).randn([1, 4, 4]);
    assert.deepEqual(values(noise).slice(16), values(second));
  });

  it('refuses a seed that is no integer', () => {
    assert.throws(() => torchGenerator(NaN), {
      message:
        'Cannot seed TorchRandom as the seed must be an integer from -2^63 to 2^64 - 1: current value is NaN',
    });
  });
});
