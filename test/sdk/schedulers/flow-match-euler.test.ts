import assert from 'node:assert/strict';
import { FlowMatchEulerDiscreteScheduler } from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';

describe('FlowMatchEulerDiscreteScheduler', () => {
  it('integrates a constant velocity exactly', () => {
    tf.tidy(() => {
      const scheduler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });
      scheduler.setTimesteps(7);
      let sample: tf.Tensor = tf.ones([2, 3, 4]);
      for (const t of scheduler.timestepValues) {
        [sample] = scheduler.step(tf.fill([2, 3, 4], 2), t, sample, { returnDict: false });
      }
      const end = sample.dataSync();
      assert.ok(end.every((value) => Math.abs(value - (1 - 2)) < 1e-6));
    });
  });
});
