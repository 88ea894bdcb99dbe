import assert from 'node:assert/strict';
import { tf } from '@flowbook/sdk';
import { compileDifferentiable } from '../../../sdk/src/tensorflow';
import { measureMemory } from './measured-memory';
import { gradientsOf, TRAINEES, trainee } from './trainees';

const LAYERS = 6;

/** Asserts equality but for the order of sums: blocks add up their gradient to what they share before they pass it on. */
function agree(actual: Record<string, tf.Tensor>, expected: Record<string, tf.Tensor>): void {
  for (const [path, gradient] of Object.entries(expected)) {
    const [distance, size] = [tf.sub(actual[path], gradient), gradient].map(
      (x) => tf.max(tf.abs(x)).dataSync()[0],
    );
    assert.ok(distance <= 1e-6 + 2e-6 * size, `${path}: ${distance} of ${size}`);
  }
}

describe('enableGradientCheckpointing()', function () {
  this.timeout(60_000);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  for (const name of TRAINEES) {
    for (const withLora of [false, true]) {
      const kind = `${name}, ${withLora ? 'adapters' : 'all weights'}`;

      it(`gives the same gradients for less memory (${kind})`, () => {
        const { model, predict, variables } = trainee(name, { withLora, layers: LAYERS });
        const measure = () => measureMemory(() => gradientsOf(predict, variables));
        const plain = measure();
        model.enableGradientCheckpointing();
        assert.ok(model.isGradientCheckpointing);
        const again = measure();
        assert.deepEqual(Object.keys(again.result).sort(), Object.keys(plain.result).sort());
        agree(again.result, plain.result);
        assert.ok(
          again.peakBytes < 0.7 * plain.peakBytes,
          `${again.peakBytes} of ${plain.peakBytes}`,
        );
        model.disableGradientCheckpointing();
        assert.ok(!model.isGradientCheckpointing);
        model.dispose();
      });
    }
  }

  it('predicts the same to the last bit, and leaves as many tensors as it found', () => {
    const { model, predict, variables } = trainee('Qwen-Image', {
      withLora: false,
      layers: LAYERS,
    });
    const plain = predict();
    model.enableGradientCheckpointing();
    assert.deepEqual(predict().dataSync(), plain.dataSync());
    const { numTensors } = tf.memory();
    tf.dispose(gradientsOf(predict, variables));
    assert.equal(tf.memory().numTensors, numTensors + 1);
    model.dispose();
  });

  it('keeps the inputs of blocks alone between the two graphs of a compiled model', () => {
    const { model, predict, variables } = trainee('Qwen-Image', { withLora: true, layers: LAYERS });
    const kept = [false, true].map((isCheckpointing) => {
      if (isCheckpointing) model.enableGradientCheckpointing();
      const compiled = compileDifferentiable(predict, { variables: () => variables, xla: false });
      let bytes = 0;
      const before = tf.memory().numBytes;
      const { grads } = tf.variableGrads(() => {
        const y = compiled();
        bytes = tf.memory().numBytes - before;
        return tf.mean(tf.square(y)) as tf.Scalar;
      }, variables);
      agree(grads, gradientsOf(predict, variables));
      compiled.dispose();
      return bytes;
    });
    assert.ok(kept[1] < 0.2 * kept[0], kept.join(' and '));
    model.dispose();
  });
});
