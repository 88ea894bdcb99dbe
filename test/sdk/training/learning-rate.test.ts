import assert from 'node:assert/strict';
import { learningRateAt, type LearningRateSchedule } from '@flowbook/sdk';

const rates = (schedule: Omit<LearningRateSchedule, 'learningRate'>, steps: number) =>
  Array.from({ length: steps }, (_, at) =>
    Number(learningRateAt(at + 1, { learningRate: 1, ...schedule }).toFixed(6)),
  );

describe('learningRateAt()', () => {
  it('rises to its value over the warm-up and stays', () => {
    assert.deepEqual(rates({ warmupSteps: 4 }, 6), [0.25, 0.5, 0.75, 1, 1, 1]);
    assert.deepEqual(rates({}, 2), [1, 1]);
  });

  it("starts with an update of rate 0 in compat 'verl-omni'", () => {
    assert.deepEqual(rates({ warmupSteps: 4, compat: 'verl-omni' }, 6), [0, 0.25, 0.5, 0.75, 1, 1]);
  });

  it('falls along half a cosine to its minimum', () => {
    const schedule = { lrSchedule: 'cosine', totalSteps: 4 } as const;
    const half = Math.SQRT1_2 / 2;
    const expected = [1, 0.5 + half, 0.5, 0.5 - half].map((rate) => Number(rate.toFixed(6)));
    assert.deepEqual(rates(schedule, 4), expected);
    assert.deepEqual(rates({ ...schedule, minLrRatio: 0.5 }, 5), [
      1,
      ...expected.slice(1).map((rate) => Number((0.5 + rate / 2).toFixed(6))),
      0.5,
    ]);
  });

  it('starts the cosine after the warm-up, from the full rate', () => {
    const schedule = { lrSchedule: 'cosine', warmupSteps: 2, totalSteps: 6 } as const;
    assert.deepEqual(rates(schedule, 5).slice(0, 3), [0.5, 1, 1]);
    assert.equal(rates(schedule, 5)[4], 0.5);
  });

  it('stays after the last step where the cosine has come to', () => {
    const schedule = { lrSchedule: 'cosine', totalSteps: 4, minLrRatio: 0.1 } as const;
    assert.deepEqual(rates(schedule, 9).slice(4), [0.1, 0.1, 0.1, 0.1, 0.1]);
    assert.deepEqual(rates({ ...schedule, numCycles: 1 }, 6).slice(4), [1, 1]);
  });

  it('refuses a schedule that it does not know, and a minimum that is no share', () => {
    assert.throws(() => rates({ lrSchedule: 'linear' as 'cosine' }, 1), {
      message:
        'Cannot schedule the learning rate as lrSchedule must be constant or cosine: current value is "linear"',
    });
    assert.throws(() => rates({ minLrRatio: 2 }, 1), {
      message:
        'Cannot schedule the learning rate as minLrRatio must be a number from 0 to 1: current value is 2',
    });
  });
});
