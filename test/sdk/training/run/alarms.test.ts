import assert from 'node:assert/strict';
import {
  alarmsAtEnd,
  alarmsOf,
  describeAlarm,
  type AlarmLimits,
  type LogLine,
} from '@flowbook/sdk';

/** A log of `count` lines; `metrics` says what each holds beside the time. */
function logOf(count: number, metrics: (step: number) => Record<string, number>): LogLine[] {
  return Array.from({ length: count }, (_, at) => ({
    step: at + 1,
    seconds: at + 1,
    ...metrics(at + 1),
  }));
}

/** Where each alarm begins. */
const begun = (log: LogLine[], limits?: Partial<AlarmLimits>) =>
  alarmsOf(log, limits).map(({ step, name }) => [step, name]);

const HEALTHY = {
  reward: 0.5,
  loss: 0.01,
  gradNorm: 0.3,
  clipFraction: 0.1,
  replayGap: 0,
  diversity: 0.2,
};

describe('alarmsOf()', () => {
  it('raises nothing for a run that goes well', () => {
    const log = logOf(60, (step) => ({
      ...HEALTHY,
      reward: step / 100,
      gradNorm: 0.3 + 0.2 * Math.sin(step),
      diversity: 0.2 - 0.001 * step,
      ...(step % 10 === 0 && { 'evaluation/reward': step / 120 }),
    }));
    assert.deepEqual(alarmsOf(log, { replayGap: 1e-3 }), []);
    assert.deepEqual(alarmsOf([]), []);
  });

  it('sees numbers that are not finite, and updates that were left out', () => {
    for (const broken of ['reward', 'loss', 'gradNorm']) {
      const log = logOf(8, (step) => ({ ...HEALTHY, ...(step === 4 && { [broken]: NaN }) }));
      assert.deepEqual(begun(log), [[4, 'not-finite']]);
      assert.equal(alarmsOf(log)[0].symptom, `${broken} not finite`);
    }
    const log = logOf(3, (step) => ({ ...HEALTHY, ...(step === 2 && { skippedUpdates: 1 }) }));
    assert.deepEqual(begun(log), [[2, 'not-finite']]);
  });

  it('takes a limit that is undefined for one left out', () => {
    const log = logOf(8, (step) => ({ ...HEALTHY, clipFraction: 0.5, replayGap: step }));
    const nothing = { clipFraction: undefined, window: undefined, replayGap: undefined };
    assert.deepEqual(begun(log, nothing), begun(log));
    assert.deepEqual(begun(log, nothing), [[5, 'clip-fraction-high']]);
  });

  it('sees ratios outside of the clip range before an update', () => {
    const log = logOf(4, (step) => ({ ...HEALTHY, replayGap: step === 3 ? 0.02 : 1e-4 }));
    assert.deepEqual(begun(log, { replayGap: 1e-3 }), [[3, 'ratio-outside-clip']]);
    assert.deepEqual(begun(log), []);
  });

  it('sees a server whose log-probabilities are not the trainer’s', () => {
    const name = 'rollout_corr/logprob_abs_diff_mean';
    const log = logOf(4, (step) => ({ ...HEALTHY, [name]: step === 3 ? 0.02 : 1e-4 }));
    assert.deepEqual(begun(log, { rolloutGap: 5e-3 }), [[3, 'rollout-gap']]);
    assert.deepEqual(begun(log), []);
  });

  it('sees that most samples are clipped, once until it is over', () => {
    const log = logOf(30, (step) => ({
      ...HEALTHY,
      clipFraction: (step > 5 && step < 14) || step > 20 ? 0.9 : 0.1,
    }));
    assert.deepEqual(begun(log), [
      [7, 'clip-fraction-high'],
      [22, 'clip-fraction-high'],
    ]);
    assert.equal(alarmsOf(log)[0].symptom, '42 % of the samples are clipped, mean over 5 steps');
  });

  it('sees the reward rise while it falls on held-out prompts', () => {
    const heldOut = [0.4, 0.5, 0.6, 0.55, 0.5, 0.45];
    const log = (slope: number) =>
      logOf(30, (step) => ({
        ...HEALTHY,
        reward: 0.3 + slope * step,
        ...(step % 5 === 0 && { 'evaluation/reward': heldOut[step / 5 - 1] }),
      }));
    assert.deepEqual(begun(log(0.01)), [[25, 'held-out-falls']]);
    assert.match(alarmsOf(log(0.01))[0].symptom, /held-out prompts it fell from 0\.6 to 0\.5$/);
    assert.deepEqual(begun(log(-0.01)), [], 'both fall: that is no overfitting');
    const normalised = log(0.01).map((line) => ({
      ...line,
      reward: 1e-15 * line.step,
      rewardStd: 1,
    }));
    assert.deepEqual(begun(normalised), [], 'a mean of normalised rewards says nothing');
    assert.deepEqual(begun(log(0.01), { fallingEvaluations: 3 }), [[30, 'held-out-falls']]);
  });

  it('sees pictures of one prompt become alike', () => {
    const log = logOf(40, (step) => ({ ...HEALTHY, diversity: 0.3 * 0.95 ** step }));
    const [alarm, ...others] = alarmsOf(log);
    assert.deepEqual([alarm.name, others.length], ['diversity-falls', 0]);
    assert.ok(alarm.step > 12 && alarm.step < 22, String(alarm.step));
  });

  it('sees a gradient that is much longer than before', () => {
    const log = logOf(20, (step) => ({ ...HEALTHY, gradNorm: step === 12 ? 40 : 0.3 }));
    assert.deepEqual(begun(log), [[12, 'gradient-norm-jump']]);
    assert.equal(alarmsOf(log)[0].symptom, "the gradient's norm is 40, usually 0.3");
    const early = logOf(5, (step) => ({ ...HEALTHY, gradNorm: step === 3 ? 40 : 0.3 }));
    assert.deepEqual(begun(early), [], 'nothing is usual yet');
  });

  it('alarmsAtEnd() gives, line by line, what alarmsOf() gives', () => {
    const log = logOf(30, (step) => ({ ...HEALTHY, clipFraction: step / 30, diversity: 1 / step }));
    const one = log.flatMap((_, at) => alarmsAtEnd(log.slice(0, at + 1)));
    assert.deepEqual(one, alarmsOf(log));
    assert.ok(one.length >= 2);
  });

  it('describeAlarm() says symptom, cause and what to do', () => {
    const [alarm] = alarmsOf(logOf(1, () => ({ reward: NaN })));
    assert.match(
      describeAlarm(alarm),
      /^step 1: reward not finite\. Cause: .+\. What to do: lower the learning rate.+\.$/,
    );
  });
});
