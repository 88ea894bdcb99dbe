import assert from 'node:assert/strict';
import { tf } from '@flowbook/sdk';
import { compileDifferentiable } from '../../../sdk/src/tensorflow';
import { isFast } from '../../long-run';
import { farthest } from './model-theory';
import { gradientsOf, trainee } from './trainees';

/** Of the largest value that there is: XLA sums in an order of its own. */
const TOLERANCE = 2e-5;

/**
 * Kinds, each with as few layers as have all its parts. Plain Stable Diffusion 3 has none that 3.5 lacks. What has two layers takes
 * XLA ten seconds: fast runs leave it out.
 */
const KINDS = [
  ['Qwen-Image with conditions', 1],
  ...(isFast
    ? []
    : ([
        ['Qwen-Image', 2],
        ['Stable Diffusion 3.5', 2],
      ] as const)),
] as const;

const largest = (x: tf.Tensor): number => tf.tidy(() => tf.max(tf.abs(x)).dataSync()[0]);

describe('a transformer that XLA compiles', function () {
  this.timeout(120_000);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  // By itself it compiles graphs of two billion operations and more, and no test's model has as many.
  for (const [name, layers] of KINDS) {
    it(`predicts what its operations give one by one, with the same gradients of adapters (${name})`, () => {
      const { model, predict, variables } = trainee(name, { withLora: true, layers });
      const compiled = compileDifferentiable(predict, { variables: () => variables, xla: true });
      const prediction = predict();
      const expected = gradientsOf(predict, variables);
      const gradients = gradientsOf(() => {
        const given = compiled();
        assert.ok(farthest(given, prediction) <= TOLERANCE * largest(prediction));
        return given;
      }, variables);
      assert.deepEqual(Object.keys(gradients).sort(), Object.keys(expected).sort());
      const size = Math.max(...Object.values(expected).map(largest));
      for (const [path, gradient] of Object.entries(expected)) {
        const distance = farthest(gradients[path], gradient);
        assert.ok(distance <= TOLERANCE * size, `${path}: ${distance} of ${size}`);
      }
      compiled.dispose();
      model.dispose();
    });
  }
});
