import assert from 'node:assert/strict';
import { compileDifferentiable, lossGradients, tf } from '@flowbook/sdk';
import { checkGradient } from '../models/check-gradient';
import { operationChecks } from './operation-checks';
import { recordOperations } from './recorded-operations';
import { makeTrainee, models, trainingLoss } from './training-steps';

const kinds = (Object.keys(models) as (keyof typeof models)[]).flatMap((name) =>
  [false, true].map((withLora) => ({ name, withLora })),
);

const inWords = ({ name, withLora }: (typeof kinds)[number]) =>
  `${name} ${withLora ? 'with adapters' : 'with all weights'}`;

/** Runs with a model and what training changes. */
function withTrainee(
  { name, withLora }: (typeof kinds)[number],
  run: (trainee: ReturnType<typeof makeTrainee>) => void,
): void {
  const trainee = makeTrainee(name, withLora);
  tf.tidy(() => run(trainee));
  trainee.dispose();
}

describe('gradients of operations', function () {
  this.timeout(300_000);

  it('each operation that a training step goes through has a check below, and no other', () => {
    const used = new Set<string>();
    for (const kind of kinds) {
      withTrainee(kind, ({ predict, variables }) => {
        for (const sdeType of kind.withLora ? ['sde'] : ['sde', 'cps', 'dance_sde']) {
          const loss = () => trainingLoss(predict(), sdeType);
          recordOperations(loss, [...variables.values()]).forEach((name) => used.add(name));
        }
      });
    }
    assert.deepEqual(Object.keys(operationChecks).sort(), [...used].sort());
  });

  for (const [name, checks] of Object.entries(operationChecks)) {
    it(`${name} has the gradient that finite differences have`, () => {
      tf.tidy(() => {
        for (const { f, inputs } of checks()) {
          checkGradient(f, inputs);
          const variables = inputs.map((input) => tf.variable(input));
          const used = recordOperations(() => tf.sum(f(...variables)) as tf.Scalar, variables);
          tf.dispose(variables);
          // A custom gradient of tfjs is named after the file that calls it: here, this one.
          if (name !== 'losses/dpo-loss') assert.ok(used.has(name), [...used].join());
        }
      });
    });
  }
});

describe('gradients that tfjs does not broadcast', () => {
  for (const name of ['squaredDifference', 'maximum'] as const) {
    it(`${name}() refuses the gradient of a row that was spread, instead of giving a wrong one`, () => {
      tf.tidy(() => {
        const loss = (row: tf.Tensor) => tf.sum(tf[name](tf.ones([2, 3]), row));
        assert.throws(() => tf.grad(loss)(tf.zeros([3])), /does not match the shape of the input/);
      });
    });
  }
});

describe('gradients of models', function () {
  this.timeout(300_000);

  for (const kind of kinds) {
    it(`${inWords(kind)}: compiled and eager gradients agree to float32 noise`, () => {
      withTrainee(kind, ({ predict, variables }) => {
        const compiled = compileDifferentiable(predict, {
          variables: () => [...variables.values()],
          xla: false,
        });
        const [eager, graph] = [predict, compiled].map((run) =>
          lossGradients(() => ({ loss: trainingLoss(run(), 'sde'), metrics: {} }), variables),
        );
        assert.deepEqual([...graph.gradients.keys()].sort(), [...eager.gradients.keys()].sort());
        assert.ok(eager.gradients.size > 0);
        const sizeOf = (gradient: tf.Tensor) => tf.max(tf.abs(gradient)).dataSync()[0];
        // Small gradients are differences of large ones: a tenth of the largest is where their noise comes from.
        const least = Math.max(1, 0.1 * Math.max(...[...eager.gradients.values()].map(sizeOf)));
        for (const [name, gradient] of eager.gradients) {
          const other = graph.gradients.get(name) as tf.Tensor;
          const scale = Math.max(least, sizeOf(gradient));
          const distance = tf.max(tf.abs(tf.sub(gradient, other))).dataSync()[0];
          assert.ok(distance <= 2e-5 * scale, `${name}: ${distance} of ${scale}`);
        }
        eager.dispose();
        graph.dispose();
        compiled.dispose();
      });
    });
  }
});
