import assert from 'node:assert/strict';
import { compileDifferentiable, tf } from '@flowbook/sdk';

/** Two variables that matter and one that does not. */
function scene() {
  const a = tf.variable(
    tf.tensor2d([
      [1, 2],
      [3, 4],
    ]),
  );
  const b = tf.variable(tf.tensor1d([0.5, -1]));
  const idle = tf.variable(tf.scalar(7));
  const model = (x: tf.Tensor2D) => tf.tanh(tf.add(tf.matMul(x, a as tf.Tensor2D), b));
  const variables = [a, b, idle];
  return { model, variables, dispose: () => tf.dispose(variables) };
}

const loss = (y: tf.Tensor) => tf.mean(tf.square(y)) as tf.Scalar;
const input = () =>
  tf.tensor2d([
    [0.1, 0.2],
    [0.3, -0.4],
    [0.5, 0.6],
  ]);

describe('compileDifferentiable()', () => {
  it('gives the gradients that the function itself gives', () => {
    const { model, variables, dispose } = scene();
    const compiled = compileDifferentiable(model, { variables: () => variables });
    for (let call = 0; call < 3; call++) {
      const x = tf.mul(input(), call + 1) as tf.Tensor2D;
      const expected = tf.variableGrads(() => loss(model(x)), variables);
      const actual = tf.variableGrads(() => loss(compiled(x)), variables);
      assert.ok(Math.abs(actual.value.dataSync()[0] - expected.value.dataSync()[0]) < 1e-6);
      for (const { name } of variables.slice(0, 2)) {
        const difference = tf.max(tf.abs(tf.sub(actual.grads[name], expected.grads[name])));
        assert.ok(difference.dataSync()[0] < 1e-6);
        assert.ok(tf.max(tf.abs(expected.grads[name])).dataSync()[0] > 1e-3);
      }
    }
    compiled.dispose();
    dispose();
  });

  it('gives no gradient for a variable that does not matter, as tfjs does', () => {
    const { model, variables, dispose } = scene();
    const compiled = compileDifferentiable(model, { variables: () => variables });
    const { grads } = tf.variableGrads(() => loss(compiled(input())), variables);
    assert.deepEqual(Object.keys(grads), [variables[0].name, variables[1].name]);
    compiled.dispose();
    dispose();
  });

  it('gives the same bits with and without a gradient around it', () => {
    const { model, variables, dispose } = scene();
    const compiled = compileDifferentiable(model, { variables: () => variables });
    const x = input();
    const alone = compiled(x).dataSync().slice();
    let inside: Float32Array | undefined;
    tf.variableGrads(() => {
      const y = compiled(x);
      inside = y.dataSync<'float32'>().slice();
      return loss(y);
    }, variables);
    assert.deepEqual(inside, alone);
    compiled.dispose();
    dispose();
  });

  it('leaves as many tensors as it found', () => {
    const { model, variables, dispose } = scene();
    const compiled = compileDifferentiable(model, { variables: () => variables });
    const x = input();
    const once = () => {
      const { value, grads } = tf.variableGrads(() => loss(compiled(x)), variables);
      tf.dispose([value, ...Object.values(grads).filter(Boolean)]);
    };
    once();
    const before = tf.memory().numTensors;
    for (let call = 0; call < 20; call++) once();
    assert.equal(tf.memory().numTensors, before);
    compiled.dispose();
    dispose();
  });

  for (const remat of [false, true]) {
    it(`preparePullback() gives the tape's gradients, off the main thread, remat ${remat}`, async () => {
      const { model, variables, dispose } = scene();
      const compiled = compileDifferentiable(model, { variables: () => variables, remat });
      assert.ok(compiled.preparePullback !== null, 'this test needs the native library');
      const x = input();
      const dy = tf.ones([3, 2]);
      const expected = tf.variableGrads(() => tf.sum(model(x)) as tf.Scalar, variables).grads;
      compiled(x).dispose();
      const before = tf.memory().numTensors;
      const prepared = compiled.preparePullback(x);
      assert.deepEqual(prepared.outline.shape, [3, 2]);
      const pullback = await prepared.run();
      tf.tidy(() => assert.deepEqual(pullback.value.dataSync(), compiled(x).dataSync()));
      const gradients = await pullback.gradients(dy);
      assert.deepEqual(
        Object.keys(gradients),
        variables.slice(0, 2).map(({ name }) => name),
      );
      for (const [name, gradient] of Object.entries(gradients)) {
        tf.tidy(() =>
          assert.ok(tf.max(tf.abs(tf.sub(gradient, expected[name]))).dataSync()[0] < 1e-6),
        );
      }
      tf.dispose(gradients);
      pullback.dispose();
      assert.equal(tf.memory().numTensors - before, 0);
      compiled.dispose();
      dispose();
    });
  }

  it('names a variable that was disposed, and what reads it, and leaves nothing behind', async () => {
    const w = tf.variable(tf.scalar(3), true, 'disposed-w');
    const scaled = compileDifferentiable((x: tf.Tensor) => tf.mul(x, tf.square(w)), {
      variables: () => [w],
      name: 'scaled',
    });
    const [x, longer] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 2, 3])];
    tf.dispose([scaled(x), tf.variableGrads(() => tf.sum(scaled(x)) as tf.Scalar, [w]).grads]);
    const pullback = await scaled.preparePullback?.(x).run();
    w.dispose();
    const before = tf.memory().numTensors;
    const message =
      'Cannot run compiled "scaled" as the variables that it reads must not be disposed: "disposed-w" was';
    assert.throws(() => scaled(x), { message });
    await assert.rejects(scaled.runAsync(x), { message });
    if (pullback) {
      await assert.rejects(pullback.gradients(tf.onesLike(x)), { message });
      await assert.rejects(scaled.preparePullback!(x).run(), { message });
    }
    assert.throws(
      () => scaled(longer),
      /^Error: Cannot compile "scaled": Cannot record a function that reads a disposed tensor: variable "disposed-w" must be there at each call/,
    );
    pullback?.dispose();
    longer.dispose();
    assert.throws(() => scaled(longer), /^Error: Cannot compile "scaled": .* must not be disposed/);
    x.dispose();
    assert.throws(() => scaled(x), {
      message:
        'Cannot run compiled "scaled" as its arguments must not be disposed: one of shape (2) was',
    });
    scaled.dispose();
    assert.ok(tf.memory().numTensors <= before);
  });

  it('gives the same gradients with remat', () => {
    const { model, variables, dispose } = scene();
    const gradientsOf = (remat: boolean) => {
      const compiled = compileDifferentiable(model, { variables: () => variables, remat });
      const { grads } = tf.variableGrads(() => loss(compiled(input())), variables);
      compiled.dispose();
      return variables.slice(0, 2).map(({ name }) => grads[name].dataSync());
    };
    assert.deepEqual(gradientsOf(true), gradientsOf(false));
    dispose();
  });
});
