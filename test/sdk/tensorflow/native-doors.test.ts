import assert from 'node:assert/strict';
import { nativeBackend, tf } from '../../../sdk/src/tensorflow';

/** What the native library gives of the binding's own doors, past the checks of TypeScript. */
interface Doors {
  randomNormal(seeds: Int32Array, shape: number[]): { shape: number[] };
  gaussianStep(x: number, v: number, other: number, isDraw: boolean, table: Float32Array): unknown;
}

describe('the native binding', () => {
  const native = nativeBackend() as unknown as {
    binding: Doors;
    getInputTensorIds(tensors: tf.Tensor[]): number[];
  } | null;

  for (const shape of [[-3], [2, 2 ** 40, 2 ** 40]]) {
    it(`throws where a draw has shape [${shape}], instead of ending the process`, function () {
      if (native === null) return this.skip();
      assert.throws(() => native.binding.randomNormal(Int32Array.of(1, 2), shape), {
        message: `Cannot make a tensor as memory must hold its shape: current value is [${shape.join(', ')}]`,
      });
    });
  }

  it('keeps the numbers of a tensor when the array that it was made of changes', function () {
    if (native === null) return this.skip();
    const length = 16;
    const buffer = new ArrayBuffer(4 * (length + 12));
    // V8 puts a buffer at a multiple of 16 bytes: one of these views starts at one of 64, where TensorFlow could share it.
    for (const start of [0, 16, 32, 48]) {
      const view = new Float32Array(buffer, start, length).fill(1);
      tf.tidy(() => {
        const tensor = tf.tensor1d(view);
        tf.neg(tensor); // hands the numbers over
        view.fill(2);
        assert.deepEqual([...tensor.dataSync()], new Array(length).fill(1));
      });
    }
  });

  it('throws where a step has no rows, or operands of two shapes', function () {
    if (native === null) return this.skip();
    tf.tidy(() => {
      for (const operands of [
        [tf.scalar(1), tf.scalar(2)],
        [tf.ones([2, 3]), tf.ones([2, 2])],
      ]) {
        const [x, v] = native.getInputTensorIds(operands);
        assert.throws(() => native.binding.gaussianStep(x, v, x, true, new Float32Array(5)), {
          message: 'Cannot step as the inputs must have rows, and one shape',
        });
      }
    });
  });
});
