import assert from 'node:assert/strict';
import {
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
  transitions,
} from '../../../sdk/src/schedulers';
import { keyGenerator, tf } from '../../../sdk/src/tensorflow';

const SHAPE = [3, 5, 4];

const laidOut = (steps = 6) => {
  const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
  scheduler.setTimesteps(steps);
  return scheduler;
};
const normal = (seed: number, shape = SHAPE) => keyGenerator(seed).randn(shape);
const values = (tensor: tf.Tensor | null) => [...(tensor as tf.Tensor).dataSync()];
const near = (actual: number[], expected: number[], tolerance: number) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, at) => {
    const allowed = tolerance * (1 + Math.abs(expected[at]));
    assert.ok(Math.abs(value - expected[at]) <= allowed, `${at}: ${value} is not ${expected[at]}`);
  });
};
const test = (title: string, body: () => void) => it(title, () => void tf.tidy(body));

for (const sdeType of ['sde', 'cps', 'dance_sde']) {
  describe(`samplePreviousStep() with ${sdeType}`, () => {
    test('returns the same logProb when its own sample is replayed, to the last bit', () => {
      const scheduler = laidOut();
      for (const timestep of scheduler.timestepValues) {
        const drawn = scheduler.samplePreviousStep(normal(1), normal(2), {
          timestep,
          sdeType,
          generator: keyGenerator(3),
        });
        const replayed = scheduler.samplePreviousStep(normal(1), normal(2), {
          timestep: Array<number>(3).fill(timestep),
          sdeType,
          prevSample: drawn[0],
        });
        assert.deepEqual(values(replayed[1]), values(drawn[1]));
        assert.deepEqual(values(replayed[2]), values(drawn[2]));
      }
    });

    test('is the ODE at noise level 0', () => {
      const scheduler = laidOut();
      const euler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });
      euler.setTimesteps(6);
      for (const timestep of scheduler.timestepValues) {
        const [x1] = scheduler.samplePreviousStep(normal(1), normal(2), {
          timestep,
          sdeType,
          noiseLevel: 0,
        });
        const expected = euler.step(normal(2), timestep, normal(1));
        near(values(x1), values(expected.prevSample), 1e-6);
      }
    });

    test('treats each row by its own timestep and noise level', () => {
      const scheduler = laidOut();
      const timestep = [0, 2, 4].map((index) => scheduler.timestepValues[index]);
      const noiseLevel = [0.3, 0.7, 1];
      const options = { sdeType, prevSample: normal(4), returnSqrtDt: true as const };
      const together = scheduler.samplePreviousStep(normal(1), normal(2), {
        ...options,
        timestep,
        noiseLevel: tf.tensor(noiseLevel, [3, 1, 1]),
      });
      assert.deepEqual(together[3].shape, [3, 1, 1]);
      timestep.forEach((t, row) => {
        const alone = scheduler.samplePreviousStep(
          normal(1).slice(row, 1),
          normal(2).slice(row, 1),
          {
            ...options,
            prevSample: normal(4).slice(row, 1),
            timestep: t,
            noiseLevel: noiseLevel[row],
          },
        );
        assert.deepEqual(alone[3].shape, []);
        alone.forEach((part, at) => {
          const rows = values(together[at]);
          const width = rows.length / 3;
          near(values(part), rows.slice(row * width, (row + 1) * width), 1e-6);
        });
      });
    });

    test('has gradients that agree with finite differences, and none through prevSample', () => {
      const scheduler = laidOut();
      const [x, x1] = [normal(1, [1, 2, 2]), normal(4, [1, 2, 2])];
      const timestep = scheduler.timestepValues[2];
      const logProb = (v: tf.Tensor, prevSample: tf.Tensor) =>
        scheduler.samplePreviousStep(x, v, { timestep, sdeType, prevSample })[1].sum() as tf.Scalar;
      const v = normal(2, [1, 2, 2]);
      const gradient = values(tf.grad((at) => logProb(at, x1))(v));
      const delta = 1e-2;
      const numeric = gradient.map((_, at) => {
        const moved = (by: number) => {
          const probe = v.dataSync().slice();
          probe[at] += by;
          return logProb(tf.tensor(probe, [1, 2, 2]), x1).dataSync()[0];
        };
        return (moved(delta) - moved(-delta)) / (2 * delta);
      });
      near(gradient, numeric, 2e-3);
      const throughBoth = tf.grads((a, b) => logProb(a, b).add(b.sum().mul(0)))([v, x1]);
      near(values(throughBoth[1]), [0, 0, 0, 0], 0);
    });

    it('leaves only what it returns', () => {
      const [x, v] = [normal(1), normal(2)];
      const scheduler = laidOut();
      const before = tf.memory().numTensors;
      const output = scheduler.step(v, scheduler.timestepValues[0], x, { sdeType });
      assert.equal(tf.memory().numTensors, before + 4);
      tf.dispose([output.prevSample, output.logProb, output.prevSampleMean, output.stdDevT]);
      const [prevSample, logProb, mean, std] = scheduler.step(v, scheduler.timestepValues[1], x, {
        sdeType,
        returnDict: false,
        returnLogprobs: false,
      });
      assert.equal(logProb, null);
      tf.dispose([prevSample, mean, std]);
      assert.equal(tf.memory().numTensors, before);
      tf.dispose([x, v]);
    });
  });
}

for (const sdeType of ['sde', 'dance_sde']) {
  describe(`samplePreviousStep() with ${sdeType}`, () => {
    test('gives the mean log-density of the Gaussian that it draws from', () => {
      const scheduler = laidOut();
      const index = 2;
      const sqrtDt = Math.sqrt(scheduler.sigmaValues[index] - scheduler.sigmaValues[index + 1]);
      const [x1, logProb, mean, std] = scheduler.samplePreviousStep(normal(1), normal(2), {
        timestep: scheduler.timestepValues[index],
        sdeType,
        prevSample: normal(4),
      });
      const width = values(std)[0] * (sdeType === 'sde' ? sqrtDt : 1);
      const [a, b] = [values(x1), values(mean)];
      const density = a.map(
        (value, at) =>
          -((value - b[at]) ** 2) / (2 * width ** 2) - Math.log(width) - Math.log(2 * Math.PI) / 2,
      );
      const perRow = [0, 1, 2].map(
        (row) => density.slice(row * 20, row * 20 + 20).reduce((sum, one) => sum + one) / 20,
      );
      near(values(logProb), perRow, 1e-5);
    });

    test('keeps the distribution that the ODE has: Gaussian data comes out with its variance', () => {
      const tau = 0.5;
      const scheduler = new FlowMatchSDEDiscreteScheduler();
      const steps = 150;
      scheduler.setTimesteps(steps, {
        sigmas: Array.from({ length: steps }, (_, k) => 1 - k / steps),
      });
      let x: tf.Tensor = normal(1, [64, 128]);
      const generator = keyGenerator(2);
      scheduler.timestepValues.forEach((t, index) => {
        const sigma = scheduler.sigmaValues[index];
        const variance = sigma ** 2 + (1 - sigma) ** 2 * tau ** 2;
        const velocity = x.mul((sigma - (1 - sigma) * tau ** 2) / variance);
        x = scheduler.step(velocity, t, x, { sdeType, noiseLevel: 0.5, generator }).prevSample;
      });
      const [mean, std] = [x.mean().dataSync()[0], x.square().mean().sqrt().dataSync()[0]];
      assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
      assert.ok(Math.abs(std - tau) < 0.02, `standard deviation ${std}`);
    });

    test('has a NaN logProb at noise level 0, as a density without width has', () => {
      const scheduler = laidOut();
      const [, logProb] = scheduler.samplePreviousStep(normal(1), normal(2), {
        timestep: scheduler.timestepValues[1],
        sdeType,
        noiseLevel: 0,
      });
      assert.ok(values(logProb).every(Number.isNaN));
    });
  });
}

describe('step()', () => {
  test('gives a row the same bits whatever the batch it is drawn in', () => {
    const draw = (B: number) => {
      const scheduler = laidOut();
      const [x, v] = [normal(1).slice(0, B), normal(2).slice(0, B)];
      const generator = keyGenerator(9);
      const { prevSample } = scheduler.step(v, scheduler.timestepValues[0], x, { generator });
      return values(prevSample);
    };
    assert.deepEqual(draw(3).slice(0, 20), draw(1));
  });

  test('returns float32 whatever the sample is, and takes no notice of churn', () => {
    const results = [{}, { sChurn: 9, sTmin: 1, sTmax: 2, sNoise: 3 }].map((options) => {
      const generator = keyGenerator(9);
      const scheduler = laidOut();
      const sample = tf.ones(SHAPE, 'int32');
      const t = scheduler.timestepValues[0];
      return scheduler.step(normal(2), t, sample, { ...options, generator }).prevSample;
    });
    assert.equal(results[0].dtype, 'float32');
    assert.deepEqual(values(results[0]), values(results[1]));
  });

  test('has a width that is a scalar, and one a row where rows differ', () => {
    const shapeOf = (noiseLevel: number | number[]) => {
      const scheduler = laidOut();
      const t = scheduler.timestepValues[0];
      return scheduler.step(normal(2), t, normal(1), { noiseLevel }).stdDevT.shape;
    };
    assert.deepEqual(shapeOf(0.7), []);
    assert.deepEqual(shapeOf([0.7, 0.7, 0.7]), [3, 1, 1]);
  });

  test("has the width of FlowGRPO's SDE with 'sde': the second level stands in for 1 below the line", () => {
    const scheduler = laidOut();
    const { sigmaValues: sigmas, timestepValues } = scheduler;
    assert.equal(sigmas[0], 1);
    timestepValues.forEach((timestep, at) => {
      const options = { timestep, sdeType: 'sde', noiseLevel: 0.7 };
      const [, , , std] = scheduler.samplePreviousStep(normal(1), normal(2), options);
      const width = 0.7 * Math.sqrt(sigmas[at] / (1 - sigmas[Math.max(at, 1)]));
      assert.ok(
        values(std).every((value) => Math.abs(value / width - 1) < 1e-6),
        `step ${at}`,
      );
    });
  });

  test("has a logProb of 'cps' that is no density: minus the mean squared distance, 0 without noise", () => {
    const scheduler = laidOut();
    const timestep = scheduler.timestepValues[1];
    const [x, v] = [normal(1), normal(2)];
    const step = (noiseLevel: number) =>
      scheduler.samplePreviousStep(x, v, { timestep, sdeType: 'cps', noiseLevel });
    const [drawn, logProb, mean] = step(0.5);
    const distance = values(tf.mean(tf.square(tf.sub(drawn, mean)), [1, 2]));
    values(logProb).forEach((value, row) => assert.ok(Math.abs(value + distance[row]) < 1e-6));
    assert.ok(values(step(0)[1]).every((value) => value === 0));
  });

  test('takes a transition that was registered', () => {
    transitions.register('half', ({ sigma, sigmaNext }) => ({
      sampleScale: 0.5,
      velocityScale: sigmaNext - sigma,
      noiseScale: 0,
      std: 0,
      precision: 1,
      logNormalizer: 0,
    }));
    const scheduler = laidOut();
    const output = scheduler.step(tf.zeros(SHAPE), scheduler.timestepValues[0], tf.ones(SHAPE), {
      sdeType: 'half',
    });
    transitions.unregister('half');
    assert.ok(values(output.prevSample).every((value) => value === 0.5));
  });
});
