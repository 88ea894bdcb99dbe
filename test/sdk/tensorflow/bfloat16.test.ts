import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { bfloat16ToFloat32, float32ToBfloat16 } from '../../../sdk/src/io/half-precision';
import { processorFlags } from '../../../sdk/src/core/processor-flags';
import { linear } from '../../../sdk/src/models/layers';
import { tableRows } from '../../../sdk/src/models/layers/table-rows';
import { compile, isBfloat16, tf, toBfloat16, toFloat32 } from '../../../sdk/src/tensorflow';
import { announceSlowBfloat16 } from '../../../sdk/src/tensorflow/bfloat16-products';
import { hasProductsBy } from '../../../sdk/src/tensorflow/processor';
import { keepEnvironment } from '../../setup/keep-environment';
import { bytesHeld } from './bytes-held';

/** By the rounding that files are written with. */
const rounded = (values: Float32Array) => bfloat16ToFloat32(float32ToBfloat16(values));

describe('bfloat16', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('toBfloat16() rounds to nearest, ties to even, and holds two bytes a value', () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 40, noNaN: true }), (values) => {
        const halves = toBfloat16(tf.tensor1d(values));
        assert.deepEqual(halves.dataSync(), rounded(values));
        assert.deepEqual(toFloat32(halves).dataSync(), rounded(values));
        assert.equal(bytesHeld(halves), 2 * values.length);
      }),
      { seed: 1 },
    );
  });

  it('toBfloat16() makes what tfjs refuses to compute with, under the name float32', () => {
    const halves = toBfloat16(tf.tensor1d([1, 2]));
    assert.equal(halves.dtype, 'float32');
    assert.ok(isBfloat16(halves) && isBfloat16(halves.clone()));
    assert.ok(!isBfloat16(toFloat32(halves)) && !isBfloat16(tf.scalar(1)));
    assert.throws(() => tf.add(halves, 1), /bfloat16/);
  });

  it('linear() multiplies rounded inputs and rounds the sum once, eager as in a graph', () => {
    const [rows, inputs, outputs] = [3, 40, 5];
    const x = tf.randomNormal([rows, inputs], 0, 1, 'float32', 1) as tf.Tensor2D;
    const W = tf.randomNormal([outputs, inputs], 0, 1, 'float32', 2) as tf.Tensor2D;
    const bias = tf.randomNormal([outputs], 0, 1, 'float32', 3) as tf.Tensor1D;
    const halves = toBfloat16(W);
    const layer = (x: tf.Tensor2D) => linear(x, halves, bias);
    const compiled = compile(layer);
    const results = [layer(x), compiled(x)].map((y) => y.dataSync());
    const [a, b] = [x, W].map((tensor) => rounded(tensor.dataSync() as Float32Array));
    for (let row = 0; row < rows; row++) {
      for (let output = 0; output < outputs; output++) {
        let [sum, size] = [0, 0];
        for (let at = 0; at < inputs; at++) {
          const term = a[row * inputs + at] * b[output * inputs + at];
          sum += term;
          size += Math.abs(term);
        }
        const expected = sum + bias.dataSync()[output];
        for (const y of results) {
          const distance = Math.abs(y[row * outputs + output] - expected);
          // Half a step of bfloat16, and what float32 sums may lose.
          assert.ok(distance <= 2 ** -8 * Math.abs(sum) + 1e-5 * size, `${distance} of ${sum}`);
        }
      }
    }
    compiled.dispose();
  });

  it('linear() sends gradients through weights in bfloat16', () => {
    const W = tf.tensor2d([1, -2, 0.5, 4], [2, 2]);
    const x = tf.tensor2d([0.25, 3], [1, 2]);
    const loss = (weight: tf.Tensor2D) =>
      tf.grad((x: tf.Tensor) => tf.sum(linear(x as tf.Tensor2D, weight, null)))(x);
    // These numbers are exact in bfloat16.
    assert.deepEqual(loss(toBfloat16(W)).dataSync(), loss(W).dataSync());
  });

  it('tableRows() widens the rows that are asked for', () => {
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const ids = tf.tensor2d([2, 0], [1, 2], 'int32');
    const rows = tableRows(toBfloat16(table), ids);
    assert.deepEqual(rows.arraySync(), [[[5, 6], [1, 2]]]); // prettier-ignore
    assert.deepEqual(rows.arraySync(), tf.gather(table, ids).arraySync());
  });

  it("toBfloat16() needs the native library: tfjs's JavaScript backend has no such type", () => {
    const code = `
      const { tf, toBfloat16 } = require('./sdk/src/tensorflow');
      try { toBfloat16(tf.scalar(1)); } catch (error) { process.stdout.write(error.message); }`;
    const said = execFileSync(process.execPath, ['--require', 'tsx/cjs', '-e', code], {
      env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.match(
      said.toString(),
      /^Cannot round to bfloat16 as the native TensorFlow library must/,
    );
  });

  it('hasProductsBy() takes one instruction of several, as Linux lists them', () => {
    const restore = keepEnvironment('TF_ENABLE_ONEDNN_OPTS');
    process.env.TF_ENABLE_ONEDNN_OPTS = '1';
    const has = (cpuinfo: string) =>
      hasProductsBy(['avx512_bf16', 'amx_bf16'], processorFlags(cpuinfo));
    try {
      assert.equal(has('model name\t: X\nflags\t\t: fpu avx2 avx512f\n'), false);
      assert.equal(has('flags\t\t: fpu avx512_bf16 avx2\n'), true);
      assert.equal(has('flags\t\t: fpu amx_bf16\n'), true);
      assert.equal(has(''), false);
      process.env.TF_ENABLE_ONEDNN_OPTS = 'false';
      assert.equal(has('flags\t\t: fpu amx_bf16\n'), false);
    } finally {
      restore();
    }
  });

  it('announceSlowBfloat16() says one line in a process, and none where bfloat16 is fast', () => {
    const code = `
      const { announceSlowBfloat16 } = require('./sdk/src/tensorflow/bfloat16-products');
      for (const isSlow of [false, true, true]) announceSlowBfloat16(isSlow);`;
    const script = `process.stderr.write = (text) => process.stdout.write(text); ${code}`;
    const said = execFileSync(process.execPath, ['--require', 'tsx/cjs', '-e', script]);
    assert.match(said.toString(), /^flowbook: bfloat16 is slower than float32 here.*\n$/);
    announceSlowBfloat16(false);
  });
});
