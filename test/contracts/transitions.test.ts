import assert from 'node:assert/strict';
import {
  FlowMatchSDEDiscreteScheduler,
  keyGenerator,
  tf,
  transitions,
  type TransitionPoint,
} from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { every } from './every';

const NOISE_LEVELS = [0.1, 0.7, 1];

function scheduler(shift = 3): FlowMatchSDEDiscreteScheduler {
  const made = new FlowMatchSDEDiscreteScheduler({ shift });
  made.setTimesteps(8);
  return made;
}

/** The points of two schedules, from noise to data. */
function points(noiseLevel: number): TransitionPoint[] {
  return [1, 3].flatMap((shift) => {
    const { sigmaValues: sigmas } = scheduler(shift);
    return Array.from({ length: sigmas.length - 1 }, (_, index) => ({
      sigma: sigmas[index],
      sigmaNext: sigmas[index + 1],
      sigmaSecond: sigmas[1],
      noiseLevel,
    }));
  });
}

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} is ${actual}, not ${expected}`);

const NO_NOISE = 'the example is a deterministic step: it has no density';

describe('transitions contract', function () {
  this.timeout(300_000);
  before(registerDocumentedParts);
  after(unregisterDocumentedParts);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('every transition is Euler without noise: x + v dt', () =>
    every(transitions.names(), (name) => {
      for (const point of points(0)) {
        const step = transitions.get(name)(point);
        near(step.sampleScale, 1, 1e-12, 'sampleScale');
        near(step.velocityScale, point.sigmaNext - point.sigma, 1e-12, 'velocityScale');
        assert.equal(step.noiseScale, 0);
      }
    }));

  it('every transition has finite scales and a width that is not negative', () =>
    every(transitions.names(), (name) => {
      for (const point of NOISE_LEVELS.flatMap(points)) {
        const { sampleScale, velocityScale, noiseScale, std } = transitions.get(name)(point);
        assert.ok([sampleScale, velocityScale, noiseScale, std].every(Number.isFinite));
        assert.ok(noiseScale >= 0 && std >= 0);
      }
    }));

  it('every transition draws with the variance that it promises, around its mean', () =>
    every(transitions.names(), (name) => {
      const walker = scheduler();
      const generator = keyGenerator(1);
      const x = generator.randn([4, 10_000]);
      const v = generator.randn([4, 10_000]);
      const point = points(0.7)[8 + 3];
      const { sampleScale, velocityScale, noiseScale } = transitions.get(name)(point);
      const options = { timestep: walker.timestepValues[3], sdeType: name, noiseLevel: 0.7 };
      const [next] = walker.samplePreviousStep(x, v, { ...options, generator });
      const noise = next.sub(x.mul(sampleScale)).sub(v.mul(velocityScale));
      const { mean, variance } = tf.moments(noise);
      // Five standard errors of 40,000 draws.
      near(mean.dataSync()[0], 0, 5 * (noiseScale / 200) + 1e-6, 'mean of the noise');
      const promised = noiseScale ** 2;
      near(variance.dataSync()[0], promised, 5 * promised * Math.sqrt(2 / 4e4) + 1e-9, 'variance');
    }));

  it('every transition has a mean that is linear in x and v', () =>
    every(transitions.names(), (name) => {
      const walker = scheduler();
      const generator = keyGenerator(2);
      const [x, y, v, w] = Array.from({ length: 4 }, () => generator.randn([2, 30]));
      const options = { timestep: walker.timestepValues[2], sdeType: name, generator };
      const meanOf = (a: tf.Tensor, b: tf.Tensor) => walker.samplePreviousStep(a, b, options)[2];
      const whole = meanOf(x.mul(2).add(y), v.mul(2).add(w));
      const parts = meanOf(x, v).mul(2).add(meanOf(y, w));
      near(whole.sub(parts).abs().max().dataSync()[0], 0, 2e-5, 'difference');
    }));

  it('every transition replays the log-probability of its own draw, bit for bit', () =>
    every(transitions.names(), (name) => {
      const walker = scheduler();
      const generator = keyGenerator(3);
      const [x, v] = [generator.randn([3, 20]), generator.randn([3, 20])];
      for (const timestep of walker.timestepValues.slice(0, -1)) {
        const options = { timestep, sdeType: name };
        const [next, drawn] = walker.samplePreviousStep(x, v, { ...options, generator });
        const [, replayed] = walker.samplePreviousStep(x, v, { ...options, prevSample: next });
        assert.deepEqual(replayed?.dataSync(), drawn?.dataSync());
        assert.ok(drawn?.dataSync().every(Number.isFinite));
      }
    }));

  it('every normalised transition has a density that integrates to 1', () =>
    every(
      transitions.names(),
      (name) => {
        for (const point of NOISE_LEVELS.flatMap(points)) {
          const { noiseScale, precision, logNormalizer } = transitions.get(name)(point);
          if (noiseScale === 0) continue;
          const width = noiseScale / 100;
          let sum = 0;
          for (let at = -1000; at <= 1000; at++) {
            sum += Math.exp(-precision * (at * width) ** 2 - logNormalizer) * width;
          }
          near(sum, 1, 1e-6, 'integral');
        }
        assert.ok(points(0.7).some((point) => transitions.get(name)(point).noiseScale > 0));
      },
      {
        cps: 'its log-probability is the plain squared error, as in the paper: no density',
        ode: NO_NOISE,
      },
    ));

  it('every transition gives log-probabilities the gradient that finite differences have', () =>
    every(transitions.names(), (name) => {
      const walker = scheduler();
      const generator = keyGenerator(4);
      const [x, v, direction] = Array.from({ length: 3 }, () => generator.randn([1, 6]));
      const options = { timestep: walker.timestepValues[2], sdeType: name };
      const [prevSample] = walker.samplePreviousStep(x, v, { ...options, generator });
      const logProb = (velocity: tf.Tensor) =>
        walker.samplePreviousStep(x, velocity, { ...options, prevSample })[1] as tf.Tensor;
      const slope = tf.sum(tf.mul(tf.grad(logProb)(v), direction)).dataSync()[0];
      const at = (h: number) => logProb(v.add(direction.mul(h))).dataSync()[0];
      const expected = (at(0.05) - at(-0.05)) / 0.1;
      near(slope, expected, 2e-3 * Math.max(1, Math.abs(expected)), 'slope');
    }));

  it('every transition leaves no tensor but its results', () =>
    every(transitions.names(), (name) => {
      const walker = scheduler();
      const x = tf.ones([2, 5]);
      const before = tf.memory().numTensors;
      const options = { timestep: walker.timestepValues[1], sdeType: name };
      tf.dispose([...walker.samplePreviousStep(x, x, options)] as tf.Tensor[]);
      assert.equal(tf.memory().numTensors, before);
    }));
});
