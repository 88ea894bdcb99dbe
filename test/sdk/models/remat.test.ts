import assert from 'node:assert/strict';
import { compile, linear, remat, silu, tf } from '@flowbook/sdk';
import { normal } from './check-gradient';
import { measureMemory } from './measured-memory';

/** Asserts equality to the last bit. */
function same(actual: tf.Tensor[], expected: tf.Tensor[]): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((x, index) => assert.deepEqual(actual[index].dataSync(), x.dataSync()));
}

describe('remat()', () => {
  let w: tf.Variable;
  let frozen: tf.Variable;
  beforeEach(() => {
    tf.engine().startScope();
    w = tf.variable(normal('w', [6, 6]));
    frozen = tf.variable(normal('frozen', [6, 6]));
  });
  afterEach(() => {
    tf.dispose([w, frozen]);
    tf.engine().endScope();
  });

  const matrix = (variable: tf.Variable) => variable as tf.Tensor as tf.Tensor2D;
  const layer = (x: tf.Tensor, variable: tf.Variable) => silu(linear(x, matrix(variable), null));
  /** Two results from two arguments, one argument unused, one result passed through, an int32 argument among them. */
  const block = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }, gate: tf.Tensor) => ({
    a: tf.mul(layer(layer(x, w), frozen), tf.cast(gate, 'float32')),
    b: tf.add(layer(x, frozen), w),
    y,
  });

  const lossOf = (run: typeof block) => (x: tf.Tensor, y: tf.Tensor) => {
    const first = run({ x, y }, tf.scalar(2, 'int32'));
    const second = run({ x: first.a, y: first.y }, tf.scalar(3, 'int32'));
    return tf.sum(tf.add(tf.mul(second.a, second.b), tf.square(second.y))) as tf.Scalar;
  };

  const inputs = () => [normal('x', [6, 6]), normal('y', [6])];

  const gradientsOf = (run: typeof block): tf.Tensor[] => {
    const [x, y] = inputs();
    const { value, grads } = tf.variableGrads(() => lossOf(run)(x, y), [w]);
    const toInputs = tf.grads((a, b) => lossOf(run)(a, b))([x, y]);
    return [value, grads[w.name], ...toInputs];
  };

  it('gives the same result and the same gradients, to arguments and variables, to the last bit', () => {
    same(gradientsOf(remat(block)), gradientsOf(block));
  });

  it('nests', () => {
    const inner = remat(layer);
    const outer = (args: Parameters<typeof block>[0], gate: tf.Tensor) => ({
      ...block(args, gate),
      a: tf.mul(inner(inner(args.x, w), frozen), tf.cast(gate, 'float32')),
    });
    same(gradientsOf(remat(outer)), gradientsOf(block));
  });

  for (const xla of [false, true]) {
    it(`works in a graph ${xla ? 'compiled by XLA' : "of TensorFlow's kernels"}`, () => {
      const compiled = compile(() => gradientsOf(remat(block)), { xla });
      gradientsOf(block).forEach((expected, index) => {
        const distance = tf.max(tf.abs(tf.sub(compiled()[index], expected))).dataSync()[0];
        const size = tf.max(tf.abs(expected)).dataSync()[0];
        assert.ok(distance <= 3e-6 * size, `${distance} of ${size}`);
      });
      compiled.dispose();
    });
  }

  it('computes no gradient that nobody asks for', () => {
    const asked: string[] = [];
    const named = (x: tf.Tensor, name: string) => {
      const operation = tf.customGrad((y) => {
        const gradFunc = (dy: tf.Tensor) => (asked.push(name), dy);
        return { value: tf.clone(y as tf.Tensor), gradFunc };
      });
      return operation(x);
    };
    const run = remat((x: tf.Tensor) =>
      tf.mul(named(matrix(w), 'w'), named(layer(x, frozen), 'x')),
    );
    const x = normal('x', [6, 6]);
    tf.dispose(tf.variableGrads(() => tf.sum(run(x)) as tf.Scalar, [frozen]).grads);
    assert.deepEqual(asked, ['x']);
  });

  it('gives a variable that the result does not depend on no gradient', () => {
    const run = remat((x: tf.Tensor) => {
      layer(x, frozen);
      return layer(x, w);
    });
    const { grads } = tf.variableGrads(
      () => tf.sum(run(normal('x', [6, 6]))) as tf.Scalar,
      [w, frozen],
    );
    assert.deepEqual(Object.keys(grads), [w.name]);
  });

  it('keeps the arguments alone, and leaves as many tensors as it found', () => {
    const layers = 12;
    const deep = (run: typeof layer) => () => {
      const loss = () => {
        let x = normal('x', [200, 6]);
        for (let at = 0; at < layers; at++) x = run(x, w);
        return tf.mean(x) as tf.Scalar;
      };
      const { value, grads } = tf.variableGrads(loss, [w]);
      tf.dispose([value, grads[w.name]]);
    };
    const thrice = (x: tf.Tensor, variable: tf.Variable) =>
      layer(layer(layer(x, variable), variable), variable);
    const { numTensors } = tf.memory();
    const [plain, again] = [thrice, (x: tf.Tensor) => remat((y: tf.Tensor) => thrice(y, w))(x)].map(
      (run) => measureMemory(deep(run)).peakBytes,
    );
    assert.equal(tf.memory().numTensors, numTensors);
    assert.ok(again < 0.4 * plain, `${again} of ${plain}`);
  });

  it('refuses the gradient of a gradient, which it would lose', () => {
    const square = remat((x: tf.Tensor) => tf.square(x));
    const first = tf.grad((x) => tf.sum(square(x)));
    assert.throws(() => tf.grad((x) => tf.sum(first(x)))(tf.tensor1d([1])), {
      message:
        'Cannot take the gradient of a gradient through remat() as what it runs again is on no tape: disable gradient checkpointing',
    });
  });
});
