import assert from 'node:assert/strict';
import {
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
} from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';

const laidOut = () => {
  const scheduler = new FlowMatchEulerDiscreteScheduler();
  scheduler.setTimesteps(4);
  return scheduler;
};

const x = () => tf.ones([2, 3, 4]);

describe('what schedulers step from', () => {
  it('setBeginIndex() takes a step of the schedule, or none', () => {
    const scheduler = laidOut();
    for (const index of [-1, 4, 1.5, NaN]) {
      assert.throws(() => scheduler.setBeginIndex(index), {
        message: `Cannot set the begin index as it must be a whole number from 0 to 3, or null: current value is ${index}`,
      });
    }
    assert.equal(scheduler.beginIndex, null);
    scheduler.setBeginIndex(3);
    assert.equal(scheduler.beginIndex, 3);
    scheduler.setBeginIndex(null);
    assert.equal(scheduler.beginIndex, null);
  });

  it('samplePreviousStep() takes one timestep and one noise level as numbers and as scalars, and as one a row', () => {
    tf.tidy(() => {
      const scheduler = new FlowMatchSDEDiscreteScheduler();
      scheduler.setTimesteps(4);
      const timestep = scheduler.timestepValues[1];
      const step = (
        time: number | tf.Tensor | number[],
        noiseLevel: number | tf.Tensor | number[],
      ) =>
        scheduler.samplePreviousStep(x(), x(), { timestep: time, noiseLevel, prevSample: x() })[1];
      const expected = [...step(timestep, 0.5).dataSync()];
      for (const [time, level] of [
        [tf.scalar(timestep), tf.scalar(0.5)],
        [
          [timestep, timestep],
          [0.5, 0.5],
        ],
      ] as const) {
        assert.deepEqual([...step(time as tf.Tensor, level as tf.Tensor).dataSync()], expected);
      }
    });
  });

  it('samplePreviousStep() refuses a noise level or an index that is none', () => {
    tf.tidy(() => {
      const scheduler = new FlowMatchSDEDiscreteScheduler();
      scheduler.setTimesteps(4);
      for (const noiseLevel of [-0.1, NaN, Infinity]) {
        assert.throws(() => scheduler.samplePreviousStep(x(), x(), { stepIndex: 0, noiseLevel }), {
          message: `Cannot step as noiseLevel must be a number from 0: current value is ${noiseLevel}`,
        });
      }
      for (const stepIndex of [-1, 4, 0.5]) {
        assert.throws(() => scheduler.samplePreviousStep(x(), x(), { stepIndex }), {
          message: `Cannot step as index must be 0 to 3: current value is ${stepIndex}`,
        });
      }
    });
  });

  it('scaleNoise() and the Euler step refuse what would be spread over the rows', () => {
    tf.tidy(() => {
      const scheduler = laidOut();
      const [first, second] = scheduler.timestepValues;
      const one = tf.ones([1, 3, 4]);
      const whole = tf.ones([2, 3, 4], 'int32');
      for (const [call, message] of [
        [
          () => scheduler.step(tf.scalar(1), first, tf.scalar(1)),
          'Cannot step as sample must have rows, as (B, ...): its shape is []',
        ],
        [
          () => scheduler.scaleNoise(x(), first, one),
          "Cannot noise data as noise must have the sample's shape [2,3,4]: it has [1,3,4]",
        ],
        [
          () => scheduler.scaleNoise(x(), [first, second, second], x()),
          'Cannot noise data as timestep must hold one value a row (2): it holds 3',
        ],
        [
          () => scheduler.scaleNoise(one, [first, second], one),
          'Cannot noise data as timestep must hold one value a row (1): it holds 2',
        ],
        [
          () => scheduler.scaleNoise(x(), first, whole),
          'Cannot noise data as noise must be float32: it is int32',
        ],
        [
          () => scheduler.step(one, first, x()),
          "Cannot step as modelOutput must have the sample's shape [2,3,4]: it has [1,3,4]",
        ],
        [
          () => scheduler.step(x(), first, one),
          "Cannot step as modelOutput must have the sample's shape [1,3,4]: it has [2,3,4]",
        ],
        [
          () => scheduler.step(whole, first, x()),
          'Cannot step as modelOutput must be float32: it is int32',
        ],
      ] as [() => unknown, string][]) {
        assert.throws(call, { message });
      }
      assert.equal(scheduler.stepIndex, null);
      assert.deepEqual(scheduler.step(x(), first, whole).prevSample.dtype, 'float32');
    });
  });
});
