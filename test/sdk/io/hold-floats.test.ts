import assert from 'node:assert/strict';
import { holdFloats } from '../../../sdk/src/io/hold-floats';
import { tf, toFloat32 } from '../../../sdk/src/tensorflow';

describe('holdFloats()', () => {
  const values = [1, 1 + 2 ** -7, 1 + 2 ** -9, -3.3];
  const rounded = [1, 1 + 2 ** -7, 1, -3.296875];

  it('leaves float32 as it is, and whatever is no float', () => {
    const [floats, whole] = [tf.tensor1d(values), tf.tensor1d([1, 2], 'int32')];
    assert.equal(holdFloats(floats, 'float32'), floats);
    for (const holding of ['bfloat16', 'rounded'] as const) {
      assert.equal(holdFloats(whole, holding), whole);
    }
    tf.dispose([floats, whole]);
  });

  for (const holding of ['bfloat16', 'rounded'] as const) {
    it(`${holding} rounds in the place of the tensor, and leaves no other`, () => {
      const before = tf.memory().numTensors;
      const floats = tf.tensor1d(values);
      const held = holdFloats(floats, holding);
      assert.equal(tf.memory().numTensors, before + 1);
      assert.ok(floats.isDisposed);
      const read = holding === 'bfloat16' ? toFloat32(held) : held;
      assert.deepEqual([...read.dataSync()], rounded);
      tf.dispose([held, read]);
    });
  }
});
