import assert from 'node:assert/strict';
import { FlowMatchSDEDiscreteScheduler, transitions } from '../../../sdk/src/schedulers';
import { compile, keyGenerator, replayGenerator, tf } from '../../../sdk/src/tensorflow';

/** Several blocks a row, the last one cut, and enough of them for two threads. */
const SHAPE = [3, 511, 63];
const PLACE = 2;

const laidOut = () => {
  const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
  scheduler.setTimesteps(6);
  return scheduler;
};
const normal = (seed: number) => keyGenerator(seed).randn(SHAPE);
const row = (x: tf.Tensor, b: number) => x.slice([b, 0, 0], [1, -1, -1]);
const values = (tensor: tf.Tensor | null) => [...(tensor as tf.Tensor).dataSync()];
const gap = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

describe('samplePreviousStep(), natively', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  for (const sdeType of ['sde', 'cps', 'dance_sde']) {
    it(`follows the formula of ${sdeType} to float32's precision`, () => {
      const scheduler = laidOut();
      const [x, v, noise] = [normal(1), normal(2), normal(3)];
      const [next, logProb, mean] = scheduler.samplePreviousStep(x, v, {
        stepIndex: PLACE,
        sdeType,
        generator: keyGenerator(3),
      });
      const step = transitions.get(sdeType)({
        sigma: scheduler.sigmaValues[PLACE],
        sigmaNext: scheduler.sigmaValues[PLACE + 1],
        sigmaSecond: scheduler.sigmaValues[1],
        noiseLevel: 0.7,
      });
      const expected = tf.add(x.mul(step.sampleScale), v.mul(step.velocityScale));
      assert.ok(gap(mean, expected) < 1e-6);
      assert.ok(gap(next, expected.add(noise.mul(step.noiseScale))) < 2e-6);
      const error = tf.mean(tf.squaredDifference(next, mean), [1, 2]);
      const density = error.mul(-step.precision).sub(step.logNormalizer);
      assert.ok(gap(logProb, density) < 1e-5);
    });
  }

  it('returns the same logProb when its own sample is replayed: alone, under a gradient, with a timestep a row', () => {
    const scheduler = laidOut();
    const [x, v] = [normal(1), normal(2)];
    const timestep = scheduler.timestepValues[PLACE];
    const drawn = scheduler.samplePreviousStep(x, v, { timestep, generator: keyGenerator(3) });
    const [prevSample, logProb, mean] = drawn;
    const timesteps = Array<number>(3).fill(timestep);
    for (const given of [timestep, timesteps]) {
      const replayed = scheduler.samplePreviousStep(x, v, { timestep: given, prevSample });
      assert.deepEqual(values(replayed[1]), values(logProb));
      assert.equal(gap(replayed[2], mean), 0);
    }
    const alone = scheduler.samplePreviousStep(row(x, 1), row(v, 1), {
      timestep,
      prevSample: row(prevSample, 1),
    });
    assert.deepEqual(values(alone[1]), values(logProb).slice(1, 2));
    const { value } = tf.valueAndGrad((velocity: tf.Tensor) =>
      tf.sum(scheduler.samplePreviousStep(x, velocity, { timestep, prevSample })[1]),
    )(v);
    assert.deepEqual(values(value), values(tf.sum(logProb)));
  });

  it('gives what its operations give: sample and mean to the last bit, logProb to 1e-6', () => {
    const scheduler = laidOut();
    const [x, v, epsilon] = [normal(1), normal(2), normal(3)];
    for (const noiseLevel of [0.7, [0.7, 0.3, 1]]) {
      const step = (x: tf.Tensor, v: tf.Tensor, epsilon: tf.Tensor) =>
        scheduler.samplePreviousStep(x, v, {
          stepIndex: PLACE,
          noiseLevel,
          generator: replayGenerator([epsilon]),
        });
      // What is recorded are operations.
      const recorded = compile(step, { xla: false });
      const [natively, byOperations] = [step, recorded].map((run) => run(x, v, epsilon));
      assert.equal(gap(natively[0], byOperations[0]), 0);
      assert.equal(gap(natively[2], byOperations[2]), 0);
      assert.ok(gap(natively[1] as tf.Tensor, byOperations[1] as tf.Tensor) < 1e-6);
      recorded.dispose();
    }
  });

  it('has the gradients of the formula, in the velocity and in the sample', () => {
    const scheduler = laidOut();
    const [x, v, weights] = [normal(1), normal(2), normal(4)];
    const timestep = [0, PLACE, 1].map((index) => scheduler.timestepValues[index]);
    const noiseLevel = [0.7, 0.3, 1];
    const [prevSample] = scheduler.samplePreviousStep(x, v, {
      timestep,
      noiseLevel,
      generator: keyGenerator(3),
    });
    const steps = [0, PLACE, 1].map((index, b) =>
      transitions.get('sde')({
        sigma: scheduler.sigmaValues[index],
        sigmaNext: scheduler.sigmaValues[index + 1],
        sigmaSecond: scheduler.sigmaValues[1],
        noiseLevel: noiseLevel[b],
      }),
    );
    const column = (of: (step: (typeof steps)[0]) => number) =>
      tf.tensor3d(steps.map(of), [3, 1, 1]);
    const formula = (x: tf.Tensor, v: tf.Tensor): tf.Tensor => {
      const a = column((step) => step.sampleScale);
      const b = column((step) => step.velocityScale);
      const mean = tf.add(tf.mul(x, a), tf.mul(v, b));
      const error = tf.mean(tf.squaredDifference(prevSample, mean), [1, 2], true);
      const logProb = tf.mul(
        error,
        column((step) => -step.precision),
      );
      return tf.add(tf.sum(logProb), tf.sum(tf.mul(mean, weights)));
    };
    const stepped = (x: tf.Tensor, v: tf.Tensor): tf.Tensor => {
      const [, logProb, mean] = scheduler.samplePreviousStep(x, v, {
        timestep,
        noiseLevel,
        prevSample,
      });
      return tf.add(tf.sum(logProb), tf.sum(tf.mul(mean, weights)));
    };
    const [expected, actual] = [formula, stepped].map((fn) => tf.grads(fn)([x, v]));
    expected.forEach((gradient, at) => assert.ok(gap(actual[at], gradient) < 1e-5));
  });

  it('carries the gradient through what it draws', () => {
    const scheduler = laidOut();
    const [x, v] = [normal(1), normal(2)];
    const options = { stepIndex: PLACE, returnLogprobs: false };
    const drawn = (velocity: tf.Tensor) =>
      tf.sum(
        scheduler.samplePreviousStep(x, velocity, { ...options, generator: keyGenerator(3) })[0],
      ) as tf.Tensor;
    const mean = (velocity: tf.Tensor) =>
      tf.sum(scheduler.samplePreviousStep(x, velocity, options)[2]) as tf.Tensor;
    assert.equal(gap(tf.grad(drawn)(v), tf.grad(mean)(v)), 0);
  });

  it('leaves only what it returns', () => {
    const scheduler = laidOut();
    const [x, v] = [normal(1), normal(2)];
    const before = tf.memory().numTensors;
    for (let call = 0; call < 3; call++) {
      tf.dispose(scheduler.samplePreviousStep(x, v, { stepIndex: PLACE }) as tf.Tensor[]);
      const prevSample = x;
      tf.grad((velocity: tf.Tensor) =>
        tf.sum(
          scheduler.samplePreviousStep(x, velocity, {
            stepIndex: PLACE,
            prevSample,
          })[1] as tf.Tensor,
        ),
      )(v).dispose();
    }
    assert.equal(tf.memory().numTensors, before);
  });
});
