import assert from 'node:assert/strict';
import {
  attention,
  gelu,
  geluTanh,
  layerNorm,
  linear,
  loraLinear,
  MASKED,
  modulatedLayerNorm,
  rmsNorm,
  rotaryTables,
  rotateInterleaved,
  quickGelu,
  silu,
  timestepEmbedding,
  withZeroGradient,
} from '../../../sdk/src/models/layers';
import { differentiable } from '../../../sdk/src/models/layers/differentiable';
import { tf } from '../../../sdk/src/tensorflow';
import { checkGradient, normal } from './check-gradient';
import { measureMemory } from './measured-memory';

const close = (actual: tf.Tensor, expected: number[], tolerance = 1e-6) =>
  actual.dataSync().forEach((value, index) => {
    assert.ok(Math.abs(value - expected[index]) <= tolerance, `${value} is not ${expected[index]}`);
  });

describe('layers', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('linear() has the gradient that finite differences have', () => {
    const inputs = [normal('x', [2, 3, 5]), normal('w', [4, 5]), normal('b', [4])];
    checkGradient((x, w, b) => linear(x, w as tf.Tensor2D, b as tf.Tensor1D), inputs);
    checkGradient((x, w) => linear(x, w as tf.Tensor2D, null), inputs.slice(0, 2));
  });

  it('modulatedLayerNorm() has the gradient that finite differences have, by sample and by token', () => {
    for (const length of [1, 3]) {
      const inputs = [
        [2, 3, 6],
        [2, length, 6],
        [2, length, 6],
      ].map((shape, index) => normal(`m${index}`, shape));
      checkGradient(
        (x, shift, scale) =>
          modulatedLayerNorm(x as tf.Tensor3D, shift as tf.Tensor3D, scale as tf.Tensor3D),
        inputs,
      );
    }
  });

  it('modulatedLayerNorm() gives mean 0 and variance 1 without modulation', () => {
    const none = tf.zeros<tf.Rank.R3>([2, 1, 64]);
    const { mean, variance } = tf.moments(
      modulatedLayerNorm(normal('x', [2, 3, 64]) as tf.Tensor3D, none, none),
      -1,
    );
    close(mean, Array(6).fill(0), 1e-6);
    close(variance, Array(6).fill(1), 1e-4);
  });

  it('rmsNorm() has the gradient that finite differences have', () => {
    checkGradient(
      (x, w) => rmsNorm(x, w as tf.Tensor1D),
      [normal('x', [2, 3, 2, 6]), normal('w', [6])],
    );
  });

  it('geluTanh() and silu() have the gradient that finite differences have', () => {
    checkGradient(geluTanh, [normal('x', [5, 7])]);
    checkGradient(silu, [normal('x', [5, 7])]);
  });

  it('gelu(), quickGelu() and layerNorm() have the gradient that finite differences have', () => {
    checkGradient(gelu, [normal('x', [5, 7])]);
    checkGradient(quickGelu, [normal('x', [5, 7])]);
    checkGradient(
      (x, weight, bias) => layerNorm(x, weight as tf.Tensor1D, bias as tf.Tensor1D),
      [normal('x', [3, 5]), normal('weight', [5]), normal('bias', [5])],
    );
  });

  it('gelu() and its approximations agree to 0.02', () => {
    const x = tf.linspace(-5, 5, 101);
    for (const approximate of [geluTanh, quickGelu]) {
      close(approximate(x), [...gelu(x).dataSync()], 0.021);
    }
    close(gelu(tf.tensor1d([-1, 0, 1])), [-0.15865525, 0, 0.84134475], 1e-6);
  });

  it('layerNorm() gives mean 0 and variance 1 before its weights', () => {
    const { mean, variance } = tf.moments(
      layerNorm(normal('x', [4, 64]), tf.ones([64]), tf.zeros([64])),
      1,
    );
    close(mean, [0, 0, 0, 0], 1e-6);
    close(variance, [1, 1, 1, 1], 1e-4);
  });

  it('geluTanh() equals 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))', () => {
    const x = [-30, -3, -0.5, 0, 0.5, 3, 30];
    const expected = x.map(
      (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    );
    close(geluTanh(tf.tensor1d(x)), expected, 2e-6);
  });

  it('rotateInterleaved() has the gradient that finite differences have, and keeps lengths', () => {
    const angles = normal('angles', [4, 3]) as tf.Tensor2D;
    const tables = rotaryTables({ cos: tf.cos(angles), sin: tf.sin(angles) });
    const x = normal('x', [2, 2, 4, 6]);
    checkGradient((y) => rotateInterleaved(y, tables), [x]);
    const lengths = tf.norm(x, 'euclidean', -1).dataSync();
    close(tf.norm(rotateInterleaved(x, tables), 'euclidean', -1), [...lengths], 1e-5);
  });

  it('rotateInterleaved() turns neighbouring pairs', () => {
    const tables = rotaryTables({ cos: tf.tensor2d([[0, 1]]), sin: tf.tensor2d([[1, 0]]) });
    close(rotateInterleaved(tf.tensor2d([[1, 2, 3, 4]]), tables), [-2, 1, 3, 4]);
  });

  it('attention() has the gradient that finite differences have, with and without a mask', () => {
    const inputs = ['q', 'k', 'v'].map((name) => normal(name, [2, 2, name === 'q' ? 3 : 4, 5]));
    const bias = tf.tensor([0, MASKED, 0, 0, 0, 0, MASKED, MASKED], [2, 1, 1, 4]);
    for (const mask of [null, bias]) {
      checkGradient(
        (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
        inputs,
      );
    }
  });

  it('attention() does not see masked keys', () => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => normal(name, [1, 1, 3, 4]) as tf.Tensor4D);
    const masked = attention(q, k, v, tf.tensor([0, 0, MASKED], [1, 1, 1, 3]));
    const cut = (x: tf.Tensor4D) => x.slice([0, 0, 0, 0], [1, 1, 2, 4]);
    close(masked, [...attention(q, cut(k), cut(v), null).dataSync()]);
  });

  it('loraLinear() is the product with scale B A, and has the gradient that finite differences have', () => {
    const [x, A, B] = [normal('x', [2, 3, 5]), normal('A', [2, 5]), normal('B', [4, 2])];
    const product = tf.matMul(B as tf.Tensor2D, A as tf.Tensor2D).mul<tf.Tensor2D>(0.7);
    const lora = (y: tf.Tensor, down: tf.Tensor, up: tf.Tensor) =>
      loraLinear(y, down as tf.Tensor2D, up as tf.Tensor2D, 0.7);
    close(lora(x, A, B), [...linear(x, product, null).dataSync()], 2e-6);
    checkGradient(lora, [x, A, B]);
  });

  it('loraLinear() computes nothing as large as the weight that it stands for', () => {
    const [rows, width, rank] = [8, 64, 2];
    const [x, A, B] = [
      [rows, width],
      [rank, width],
      [width, rank],
    ].map((shape) => tf.ones(shape));
    const { largest } = measureMemory(() =>
      tf.grads((y, down, up) => loraLinear(y, down as tf.Tensor2D, up as tf.Tensor2D, 1))([
        x,
        A,
        B,
      ]),
    );
    assert.equal(largest, rows * width);
  });

  it('withZeroGradient() leaves x and its gradient alone', () => {
    const [toX, toP] = tf.grads((x, p) => tf.sum(withZeroGradient(tf.square(x), [p])))([
      tf.tensor1d([1, 2]),
      tf.tensor1d([5, 6, 7]),
    ]);
    close(toX, [2, 4]);
    close(toP, [0, 0, 0]);
  });

  it('timestepEmbedding() starts with cosines', () => {
    const features = timestepEmbedding(tf.tensor1d([0, 0.25]), 4, 1000);
    const angles = [250, 2.5];
    close(features, [1, 1, 0, 0, ...angles.map(Math.cos), ...angles.map(Math.sin)], 1e-4);
  });

  it('differentiable() does not compute gradients that nobody asks for', () => {
    const asked: string[] = [];
    const frozen = tf.tensor1d([3]);
    tf.grad((x) =>
      differentiable(
        [x, frozen],
        () => tf.mul(x, frozen),
        (dy) => [
          () => (asked.push('x'), tf.mul(dy, frozen)),
          () => (asked.push('frozen'), tf.mul(dy, x)),
        ],
      ),
    )(tf.tensor1d([2]));
    assert.deepEqual(asked, ['x']);
  });
});
