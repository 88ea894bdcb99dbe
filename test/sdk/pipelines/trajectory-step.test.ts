import assert from 'node:assert/strict';
import { tf, trajectoryStep } from '@flowbook/sdk';

describe('trajectoryStep()', () => {
  it('takes a step of each row, and refuses what is none', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      assert.deepEqual([...trajectoryStep(x, 1).dataSync()], [2, 5]);
      for (const step of [-1, 3, 0.5, NaN]) {
        assert.throws(() => trajectoryStep(x, step), {
          message: `Cannot select a step of a trajectory as it must be a whole number from 0 to 2: current value is ${step}`,
        });
      }
    });
  });
});
