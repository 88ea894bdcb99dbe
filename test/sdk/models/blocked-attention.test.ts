import assert from 'node:assert/strict';
import { attention, compile, LARGEST_SCORES_BYTES, MASKED, tf } from '@flowbook/sdk';
import { normal } from './check-gradient';
import { measureMemory } from './measured-memory';

type Attend = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => tf.Tensor4D;

/** q, k and v of one head. */
const draws = (L: number, D: number) =>
  ['q', 'k', 'v'].map((name) => normal(name, [1, 1, L, D]) as tf.Tensor4D) as Parameters<Attend>;

/** The definition, with all scores at once. */
const plainly =
  (bias: tf.Tensor | null): Attend =>
  (q, k, v) => {
    const scores = tf.matMul(q, k, false, true).mul<tf.Tensor4D>(q.shape[3] ** -0.5);
    return tf.matMul(tf.softmax(bias === null ? scores : tf.add<tf.Tensor4D>(scores, bias)), v);
  };

const withGradients =
  (attend: Attend) =>
  (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor[] => {
    const loss = (...xs: tf.Tensor[]) => {
      const y = attend(...(xs as Parameters<Attend>));
      return tf.sum(tf.mul(y, normal('weighting', y.shape)));
    };
    return [attend(q, k, v), ...tf.grads(loss)([q, k, v])];
  };

/** Asserts that two lists of tensors agree, to a part of each one's largest value. */
function agree(actual: tf.Tensor[], expected: tf.Tensor[], tolerance: number): void {
  const distances = expected.map(
    (x, index) => tf.div(tf.max(tf.abs(tf.sub(actual[index], x))), tf.max(tf.abs(x))).dataSync()[0],
  );
  assert.ok(
    distances.every((distance) => distance <= tolerance),
    distances.join(),
  );
}

describe('attention() in blocks of queries', function () {
  this.timeout(60_000);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  // Scores of 36 MB: two blocks.
  const L = 3000;

  it('equals attention with all scores at once, with its gradients, whatever the mask', () => {
    const inputs = draws(L, 4);
    const keys = normal('keys', [1, 1, 1, L]).greater(1).mul(MASKED);
    const causal = tf.linalg
      .bandPart(tf.ones([L, L]), -1, 0)
      .sub(1)
      .mul(-MASKED)
      .reshape([1, 1, L, L]);
    for (const bias of [null, keys, causal]) {
      const attend: Attend = (q, k, v) => attention(q, k, v, bias);
      agree(withGradients(attend)(...inputs), withGradients(plainly(bias))(...inputs), 3e-6);
    }
  });

  for (const xla of [false, true]) {
    it(`equals itself in a graph ${xla ? 'compiled by XLA' : "of TensorFlow's kernels"}`, () => {
      const inputs = draws(L, 4);
      const run = withGradients((q, k, v) => attention(q, k, v, null));
      const compiled = compile(run, { xla });
      agree(compiled(...inputs), run(...inputs), 3e-6);
      compiled.dispose();
    });
  }

  it('makes no tensor larger than the limit, and takes no more memory for four times the scores', () => {
    const run = withGradients((q, k, v) => attention(q, k, v, null));
    for (const length of [4000, 8000]) {
      const inputs = draws(length, 4);
      const { result, largest, peakBytes } = measureMemory(() => run(...inputs));
      tf.dispose(result);
      assert.ok(4 * largest <= LARGEST_SCORES_BYTES, `${largest}`);
      assert.ok(peakBytes <= 5 * LARGEST_SCORES_BYTES, `${peakBytes}`);
    }
  });

  it('leaves as many tensors as it found', () => {
    const inputs = draws(L, 2);
    const { numTensors } = tf.memory();
    tf.dispose(withGradients((q, k, v) => attention(q, k, v, null))(...inputs));
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
