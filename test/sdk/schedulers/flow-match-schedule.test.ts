import assert from 'node:assert/strict';
import {
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
  type FlowMatchSchedulerOptions,
} from '../../../sdk/src/schedulers';
import { calculateShift } from '../../../sdk/src/schedulers/calculate-shift';
import { optionsFromConfig } from '../../../sdk/src/schedulers/scheduler-config';
import { keyGenerator, tf } from '../../../sdk/src/tensorflow';

const laidOut = (options: FlowMatchSchedulerOptions = {}, steps = 4) => {
  const scheduler = new FlowMatchSDEDiscreteScheduler(options);
  scheduler.setTimesteps(steps);
  return scheduler;
};

const x = () => tf.ones([2, 3, 4]);

describe('FlowMatchSDEDiscreteScheduler schedule', () => {
  it("has verl-omni's defaults, and diffusers' keys in config", () => {
    assert.deepEqual(new FlowMatchSDEDiscreteScheduler().config, {
      num_train_timesteps: 1000,
      shift: 1,
      use_dynamic_shifting: false,
      base_shift: 0.5,
      max_shift: 1.15,
      base_image_seq_len: 256,
      max_image_seq_len: 4096,
      invert_sigmas: false,
      shift_terminal: null,
      use_karras_sigmas: false,
      use_exponential_sigmas: false,
      use_beta_sigmas: false,
      time_shift_type: 'exponential',
      stochastic_sampling: false,
    });
  });

  it('fromConfig() reads a diffusers file: unknown keys and null switches are fine', () => {
    const scheduler = FlowMatchSDEDiscreteScheduler.fromConfig({
      _class_name: 'FlowMatchEulerDiscreteScheduler',
      shift: 3,
      use_karras_sigmas: null,
    });
    assert.equal(scheduler.config.shift, 3);
    assert.equal(scheduler.config.use_karras_sigmas, false);
  });

  it('optionsFromConfig() gives what the file says, and nothing of what it does not', () => {
    const options = optionsFromConfig({ _class_name: 'X', shift: 3, use_karras_sigmas: null });
    assert.deepEqual(options, { shift: 3, useKarrasSigmas: null });
  });

  it('keeps first and last level with useBetaSigmas, and places the middle one half-way', () => {
    const levels = (useBetaSigmas: boolean) => {
      const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3, useBetaSigmas });
      scheduler.setTimesteps(3);
      const values = Array.from(scheduler.sigmaValues.slice(0, 3));
      scheduler.dispose();
      return values;
    };
    const [first, , last] = levels(false);
    levels(true).forEach((level, at) => {
      const expected = [first, (first + last) / 2, last][at];
      assert.ok(Math.abs(level - expected) < 1e-6, `${level} for ${expected}`);
    });
  });

  it('has no terminal sigma after construction and one after setTimesteps()', () => {
    const scheduler = new FlowMatchSDEDiscreteScheduler();
    assert.equal(scheduler.sigmaValues.length, 1000);
    scheduler.setTimesteps(4);
    assert.equal(scheduler.timestepValues.length, 4);
    assert.equal(scheduler.sigmaValues.length, 5);
    assert.equal(scheduler.sigmaValues[4], 0);
  });

  it('shifts default sigmas twice and given ones once, as diffusers does', () => {
    const sigmas = (given?: number[]) => {
      const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
      scheduler.setTimesteps(10, { sigmas: given });
      return scheduler.sigmaValues;
    };
    const shift = (sigma: number) => (3 * sigma) / (1 + 2 * sigma);
    assert.ok(Math.abs(sigmas()[9] - shift(shift(0.001))) < 1e-6);
    const even = Array.from({ length: 10 }, (_, k) => 1 - k / 10);
    assert.ok(Math.abs(sigmas(even)[5] - shift(0.5)) < 1e-6);
  });

  it('keeps timesteps that are given, and looks them up by equality: the second of equal ones', () => {
    const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
    scheduler.setTimesteps(null, { timesteps: [900, 500, 500, 100] });
    assert.deepEqual(Array.from(scheduler.timestepValues), [900, 500, 500, 100]);
    assert.ok(Math.abs(scheduler.sigmaValues[0] - 2.7 / 2.8) < 1e-6);
    assert.equal(scheduler.indexForTimestep(900), 0);
    assert.equal(scheduler.indexForTimestep(500), 2);
    assert.throws(() => scheduler.indexForTimestep(499), /^Error: Cannot find timestep 499 /);
  });

  it('inverts sigmas and ends at 1 with invertSigmas', () => {
    const sigmas = laidOut({ invertSigmas: true }).sigmaValues;
    [0, 0.333, 0.666, 0.999, 1].forEach((sigma, k) => {
      assert.ok(Math.abs(sigmas[k] - sigma) < 1e-6);
    });
  });

  it('gives its schedule as tensors that it owns', () => {
    const before = tf.memory().numTensors;
    const scheduler = laidOut();
    assert.deepEqual([...scheduler.timesteps.dataSync()], [...scheduler.timestepValues]);
    assert.deepEqual(scheduler.sigmas.shape, [5]);
    scheduler.setTimesteps(3);
    assert.deepEqual(scheduler.sigmas.shape, [4]);
    scheduler.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('step() walks from the begin index, or from where the first timestep is', () => {
    tf.tidy(() => {
      const scheduler = laidOut();
      scheduler.step(x(), scheduler.timestepValues[2], x(), { generator: keyGenerator(0) });
      assert.equal(scheduler.stepIndex, 3);
      scheduler.setTimesteps(4);
      assert.equal(scheduler.stepIndex, null);
      scheduler.setBeginIndex(1);
      scheduler.step(x(), scheduler.timestepValues[1], x(), { generator: keyGenerator(0) });
      assert.equal(scheduler.stepIndex, 2);
    });
  });

  it('step() that was refused leaves no step behind', () => {
    tf.tidy(() => {
      const scheduler = laidOut();
      const wrong = { sdeType: 'ode' };
      assert.throws(() => scheduler.step(x(), scheduler.timestepValues[0], x(), wrong));
      assert.equal(scheduler.stepIndex, null);
      scheduler.step(x(), scheduler.timestepValues[0], x());
      assert.equal(scheduler.stepIndex, 1);
    });
  });

  it('step() takes its timestep as a tensor, at every call', () => {
    tf.tidy(() => {
      const scheduler = laidOut();
      for (const t of scheduler.timestepValues) scheduler.step(x(), tf.scalar(t), x());
      assert.equal(scheduler.stepIndex, 4);
    });
  });

  for (const Scheduler of [FlowMatchSDEDiscreteScheduler, FlowMatchEulerDiscreteScheduler]) {
    it(`copy() of ${Scheduler.name} has the same schedule, at its start, and goes its own way`, () => {
      tf.tidy(() => {
        const scheduler = new Scheduler({ shift: 2, numTrainTimesteps: 500 });
        scheduler.setShift(3);
        scheduler.setTimesteps(4);
        scheduler.setBeginIndex(1);
        const copy = scheduler.copy();
        assert.ok(copy instanceof Scheduler);
        assert.deepEqual(copy.config, scheduler.config);
        assert.deepEqual(copy.sigmaValues, scheduler.sigmaValues);
        assert.deepEqual(copy.timestepValues, scheduler.timestepValues);
        assert.deepEqual(
          [copy.shift, copy.numInferenceSteps, copy.stepIndex, copy.beginIndex],
          [3, 4, null, null],
        );
        scheduler.setTimesteps(2);
        assert.equal(copy.timestepValues.length, 4);
      });
    });
  }

  it('scaleNoise() is noise at sigma 1 and data at sigma 0', () => {
    tf.tidy(() => {
      const scheduler = laidOut({ invertSigmas: true });
      const timesteps = [scheduler.timestepValues[0], scheduler.timestepValues[3]];
      const noised = scheduler.scaleNoise(tf.zeros([2, 1]), timesteps, tf.ones([2, 1]));
      const [first, last] = noised.dataSync();
      assert.deepEqual([first, last], [scheduler.sigmaValues[0], scheduler.sigmaValues[3]]);
    });
  });

  it('scaleNoise() goes by its timesteps while a run has begun without a begin index', () => {
    tf.tidy(() => {
      const scheduler = laidOut();
      const [first, , , last] = scheduler.timestepValues;
      scheduler.step(x(), first, x(), { generator: keyGenerator(0) });
      const noised = scheduler.scaleNoise(tf.zeros([1, 1]), last, tf.ones([1, 1]));
      assert.deepEqual([...noised.dataSync()], [scheduler.sigmaValues[3]]);
      scheduler.setBeginIndex(2);
      const begun = scheduler.scaleNoise(tf.zeros([1, 1]), last, tf.ones([1, 1]));
      assert.deepEqual([...begun.dataSync()], [scheduler.sigmaValues[scheduler.stepIndex ?? 2]]);
    });
  });

  it('spaces the seventh roots of sigmas evenly with useKarrasSigmas, and logarithms with useExponentialSigmas', () => {
    for (const [options, straighten] of [
      [{ useKarrasSigmas: true }, (sigma: number) => sigma ** (1 / 7)],
      [{ useExponentialSigmas: true }, Math.log],
    ] as const) {
      const { sigmaValues } = laidOut(options, 5);
      const [first, ...straight] = [...sigmaValues.slice(0, 5)].map(straighten);
      const step = (straight[3] - first) / 4;
      assert.ok(step < 0);
      straight.forEach((value, at) => {
        assert.ok(Math.abs(value - first - (at + 1) * step) < 1e-6, `${value} at ${at + 1}`);
      });
    }
  });

  it('begins at the largest sigma when there is one step', () => {
    assert.deepEqual([...laidOut({ shift: 3 }, 1).sigmaValues], [1, 0]);
  });

  it('places the shift on a line from baseShift to maxShift', () => {
    const range = { baseSeqLen: 100, maxSeqLen: 300, baseShift: 0.25, maxShift: 1 };
    assert.deepEqual(
      [100, 200, 300, 500].map((length) => calculateShift(length, range)),
      [0.25, 0.625, 1, 1.75],
    );
  });

  for (const [title, message, action] of [
    [
      'an unknown option',
      /^Cannot make a scheduler as there is no option shifft: there are numTrainTimesteps, shift, /,
      () => new FlowMatchSDEDiscreteScheduler({ shifft: 3 } as FlowMatchSchedulerOptions),
    ],
    [
      'two conversions',
      'Cannot make a scheduler as at most one sigma conversion can be used: useKarrasSigmas, useBetaSigmas',
      () => new FlowMatchSDEDiscreteScheduler({ useKarrasSigmas: true, useBetaSigmas: true }),
    ],
    [
      'an unknown time shift',
      'Cannot make a scheduler as timeShiftType must be exponential or linear: "cubic"',
      () => new FlowMatchSDEDiscreteScheduler({ timeShiftType: 'cubic' as 'linear' }),
    ],
    [
      'dynamic shifting without mu',
      'Cannot set timesteps as mu must be a number under dynamic shifting: current value is undefined',
      () => laidOut({ useDynamicShifting: true }),
    ],
    [
      'no training timesteps',
      'Cannot make a scheduler as numTrainTimesteps must be a positive integer: 0',
      () => new FlowMatchSDEDiscreteScheduler({ numTrainTimesteps: 0 }),
    ],
    [
      'a shift by which all sigmas would be 0',
      'Cannot make a scheduler as shift must be a number from 5.960464477539063e-8 to 16777216: 2.9802322387695312e-8',
      () => new FlowMatchSDEDiscreteScheduler({ shift: 2 ** -25 }),
    ],
    [
      'a terminal sigma at which a run would end where it begins',
      'Cannot make a scheduler as shiftTerminal must be a number from 0 to below 1, or null: 1',
      () => new FlowMatchSDEDiscreteScheduler({ shiftTerminal: 1 }),
    ],
    [
      'unequal lengths',
      'Cannot set timesteps as sigmas and timesteps must have the same length: 2 and 1',
      () => laidOut().setTimesteps(2, { sigmas: [1, 0.5], timesteps: [1000] }),
    ],
    [
      'another count than given sigmas',
      'Cannot set timesteps as sigmas and timesteps must have numInferenceSteps (3) values: 2',
      () => laidOut().setTimesteps(3, { sigmas: [1, 0.5] }),
    ],
    [
      'sigmas that rise',
      'Cannot set timesteps as sigmas must be above 0 and at most 1, none above the one before it: current value at 1 is 0.5',
      () => laidOut().setTimesteps(3, { sigmas: [0.2, 0.5, 0.9] }),
    ],
    [
      'a sigma of 0, at which nothing is left to do',
      'Cannot set timesteps as sigmas must be above 0 and at most 1, none above the one before it: current value at 2 is 0',
      () => laidOut().setTimesteps(3, { sigmas: [1, 0.5, 0] }),
    ],
    [
      'sigmas above 1',
      'Cannot set timesteps as sigmas must be above 0 and at most 1, none above the one before it: current value at 0 is 5',
      () => laidOut().setTimesteps(3, { sigmas: [5, 0.5, 0.2] }),
    ],
    [
      'sigmas that are no numbers',
      'Cannot set timesteps as sigmas must be above 0 and at most 1, none above the one before it: current value at 1 is NaN',
      () => laidOut().setTimesteps(2, { sigmas: [1, NaN] }),
    ],
    [
      'sigmas in a tensor',
      /^Cannot set timesteps as sigmas must be a list: /,
      () => laidOut().setTimesteps(2, { sigmas: tf.tensor1d([1, 0.5]) as never }),
    ],
    [
      'timesteps that rise',
      'Cannot set timesteps as timesteps must be above 0 and at most 1000, none above the one before it: current value at 1 is 600',
      () => laidOut().setTimesteps(2, { timesteps: [500, 600] }),
    ],
    [
      'a mu that is no number',
      'Cannot set timesteps as mu must be a number under dynamic shifting: current value is NaN',
      () =>
        new FlowMatchSDEDiscreteScheduler({ useDynamicShifting: true }).setTimesteps(2, {
          mu: NaN,
        }),
    ],
    [
      'a shift that is no number',
      'Cannot set the shift as it must be a number from 5.960464477539063e-8 to 16777216: current value is NaN',
      () => laidOut().setShift(NaN),
    ],
    [
      'timesteps of two rows for one step',
      'Cannot find a timestep as it must be one value for all rows: current number is 2',
      () => laidOut().step(x(), tf.tensor1d([1000, 334]), x()),
    ],
    [
      'a tensor of another timestep at the second call',
      'Cannot find timestep 12.5 as it must be one of the 4 in scheduler.timesteps: 1000, 667, 334, 1',
      () => {
        const scheduler = laidOut();
        scheduler.step(x(), 1000, x());
        scheduler.step(x(), tf.scalar(12.5), x());
      },
    ],
    [
      'nothing to set',
      'Cannot set timesteps as there must be at least 1 step: undefined',
      () => laidOut().setTimesteps(),
    ],
    [
      'an unknown device',
      'Cannot use device "tpu" as it must be cpu or cuda',
      () => laidOut().setTimesteps(2, { device: 'tpu' }),
    ],
    [
      'an index in place of a timestep',
      'Cannot find timestep 2 as it must be one of the 4 in scheduler.timesteps: 1000, 667, 334, 1',
      () => laidOut().step(x(), 2, x()),
    ],
    [
      'an integer tensor in place of a timestep',
      'Cannot step as timestep must be a float32 value of scheduler.timesteps, not an index: its dtype is int32',
      () => laidOut().step(x(), tf.scalar(2, 'int32'), x()),
    ],
    [
      'an unknown transition',
      'Cannot find transition "ode": registered are sde, cps, dance_sde',
      () => laidOut().step(x(), 1000, x(), { sdeType: 'ode' }),
    ],
    [
      'per-token timesteps',
      'Cannot step as perTokenTimesteps is not supported: it must be null',
      () => laidOut().step(x(), 1000, x(), { perTokenTimesteps: tf.ones([2, 3]) }),
    ],
    [
      'a sample of integers',
      'Cannot step as sample must be float32: it is int32',
      () => laidOut().samplePreviousStep(x().toInt(), x(), { timestep: 1000 }),
    ],
    [
      'a velocity of another shape',
      "Cannot step as modelOutput must have the sample's shape [2,3,4]: it has [3]",
      () => laidOut().samplePreviousStep(x(), tf.ones([3]), { timestep: 1000 }),
    ],
    [
      'a timestep too few',
      'Cannot step as timestep must hold one value a row (2): it holds 1',
      () => laidOut().samplePreviousStep(x(), x(), { timestep: [1000] }),
    ],
    [
      'no step to be at',
      'Cannot sample the previous step as the current step is unknown: pass a timestep, or call setBeginIndex',
      () => laidOut().samplePreviousStep(x(), x()),
    ],
    [
      'a step past the end',
      'Cannot step as index must be 0 to 3: current value is 4',
      () => {
        const scheduler = laidOut();
        scheduler.setBeginIndex(3);
        scheduler.step(x(), 1000, x());
        scheduler.step(x(), 1000, x());
      },
    ],
  ] as [string, string | RegExp, () => unknown][]) {
    it(`refuses ${title}`, () => {
      tf.tidy(() => void assert.throws(action, { message }));
    });
  }
});
