import assert from 'node:assert/strict';
import { compile, compileDifferentiable, nativeBackend, tf } from '@flowbook/sdk';

/** The binding's number for an attribute that is a type. */
const TYPE_ATTRIBUTE = 4;

/** Largest absolute difference between two tensors. */
function gap(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
}

const draw = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** A small network with the operations that transformers use. */
function network(x: tf.Tensor2D, w: tf.Tensor2D): tf.Tensor2D {
  const h = tf.matMul(x, w, false, true);
  const centered = tf.sub(h, tf.mean(h, -1, true));
  const [a, b] = tf.split(tf.mul(centered, tf.sigmoid(centered)), 2, 1);
  const stacked = tf.transpose(tf.stack([a, b]), [1, 0, 2]);
  return tf.reshape(tf.softmax(tf.concat([stacked, stacked], 1)), [x.shape[0], -1]);
}

describe('compile()', () => {
  it('gives what the function gives, at the first call and later', () => {
    const compiled = compile(network);
    const w = draw([8, 6], 1) as tf.Tensor2D;
    for (const seed of [2, 3]) {
      const x = draw([5, 6], seed) as tf.Tensor2D;
      assert.ok(gap(compiled(x, w), network(x, w)) < 1e-5);
    }
    assert.equal(compiled.signatureCount, 1);
    compiled.dispose();
  });

  it('records once for each signature and drops the least recently used', () => {
    let runs = 0;
    const compiled = compile(
      (x: tf.Tensor, scale: number) => {
        runs++;
        return tf.mul(x, scale);
      },
      { maxSignatures: 2 },
    );
    const last = (length: number, scale: number) =>
      (compiled(tf.ones([length]), scale) as tf.Tensor).dataSync()[length - 1];
    assert.equal(last(2, 3), 3);
    assert.equal(last(2, 3), 3);
    assert.equal(runs, 1);
    assert.equal(last(3, 3), 3);
    assert.equal(last(3, 4), 4);
    assert.equal(runs, 3);
    assert.equal(compiled.signatureCount, 2);
    assert.equal(last(2, 3), 3);
    assert.equal(runs, 4);
    compiled.dispose();
    assert.equal(compiled.signatureCount, 0);
  });

  it('takes gradients inside, and reads variables anew at each call', () => {
    const w = tf.variable(draw([8, 6], 4) as tf.Tensor2D, true, 'compile-test-w');
    const loss = (x: tf.Tensor2D) => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(network(x, w as tf.Tensor2D))) as tf.Scalar,
        [w],
      );
      return { value, gradient: grads[w.name] };
    };
    const compiled = compile(loss);
    const x = draw([5, 6], 5) as tf.Tensor2D;
    for (let step = 0; step < 3; step++) {
      const expected = loss(x);
      const actual = compiled(x);
      assert.ok(gap(actual.value, expected.value) < 1e-6);
      assert.ok(gap(actual.gradient, expected.gradient) < 1e-6);
      assert.ok(tf.max(tf.abs(expected.gradient)).dataSync()[0] > 1e-4);
      w.assign(tf.add(w, 1) as typeof w);
    }
    compiled.dispose();
    w.dispose();
  });

  it('tells variables apart that were one tensor when it recorded', () => {
    const first = tf.variable(tf.tensor1d([1, 2]));
    const second = tf.variable(first as tf.Tensor);
    const numTensors = tf.memory().numTensors;
    const scales = [first, second].map((one) => compile((x: tf.Tensor) => tf.mul(x, one)));
    const trained = compileDifferentiable((x: tf.Tensor) => tf.mul(x, first), {
      variables: () => [first],
    });
    const x = tf.tensor1d([1, 1]);
    const read = () =>
      tf.tidy(() => [
        ...scales.map((scale) => Array.from(scale(x).dataSync())),
        Array.from(
          tf
            .variableGrads(() => tf.sum(tf.square(trained(x))), [first])
            .grads[first.name].dataSync(),
        ),
      ]);
    assert.deepEqual(read(), [
      [1, 2],
      [1, 2],
      [2, 4],
    ]);
    tf.tidy(() => first.assign(tf.tensor1d([3, 4])));
    assert.deepEqual(read(), [
      [3, 4],
      [1, 2],
      [6, 8],
    ]);
    second.assign(first as tf.Tensor);
    assert.deepEqual(read(), [
      [3, 4],
      [3, 4],
      [6, 8],
    ]);
    tf.dispose(x);
    [...scales, trained].forEach((one) => one.dispose());
    assert.equal(tf.memory().numTensors, numTensors);
    tf.dispose([first, second]);
  });

  for (const where of ['recorded', 'kept on disk']) {
    it(`takes arguments as arguments, whatever else they are: ${where}`, () => {
      const w = tf.variable(tf.tensor1d([1, 2]));
      const outside = tf.tensor1d([3, 4]);
      const identity = 'compile.test: arguments';
      const closedOver = () => ({ identity, variables: new Map<string, tf.Variable>([['w', w]]) });
      const options = where === 'recorded' ? {} : { closedOver };
      const scale = () => compile((x: tf.Tensor) => tf.mul(x, w), options);
      const [copy, other] = [tf.variable(w as tf.Tensor), tf.tensor1d([10, 10])];
      for (const first of [w, copy, w.clone()]) {
        const compiled = scale();
        assert.deepEqual([...compiled(first as tf.Tensor).dataSync()], [1, 4]);
        for (const one of [compiled, scale()]) {
          assert.deepEqual([...one(other).dataSync()], [10, 20]);
          one.dispose();
        }
      }
      const less = compile((x: tf.Tensor) => tf.sub(x, outside));
      assert.deepEqual([...less(outside).dataSync()], [0, 0]);
      assert.deepEqual([...less(other).dataSync()], [7, 6]);
      less.dispose();
      tf.dispose([w, copy, other, outside]);
    });
  }

  it('captures a copy of a variable as it is, and reads the variable anew', () => {
    const w = tf.variable(tf.tensor1d([1]));
    const before = w.clone();
    const compiled = compile((x: tf.Tensor) => tf.sub(tf.add(x, w), before));
    const x = tf.tensor1d([0]);
    assert.deepEqual([...compiled(x).dataSync()], [0]);
    w.assign(tf.tensor1d([5]));
    assert.deepEqual([...compiled(x).dataSync()], [4]);
    compiled.dispose();
    tf.dispose([w, before, x]);
  });

  it('takes gradients with respect to a variable that is an argument', () => {
    const gradient = compile(
      (w: tf.Variable) =>
        tf.variableGrads(() => tf.sum(tf.square(w)) as tf.Scalar, [w]).grads[w.name],
    );
    const variables = [1, 2].map((value) => tf.variable(tf.tensor1d([value]), true, `own${value}`));
    for (const [at, w] of variables.entries()) {
      assert.deepEqual([...gradient(w).dataSync()], [2 * (at + 1)]);
    }
    gradient.dispose();
    tf.dispose(variables);
  });

  it('keeps apart calls whose arguments are one tensor and two tensors', () => {
    const compiled = compile((a: tf.Tensor, b: tf.Tensor) => tf.sub(a, b));
    const a = tf.tensor1d([1, 2]);
    assert.deepEqual([...(compiled(a, a) as tf.Tensor).dataSync()], [0, 0]);
    assert.deepEqual([...(compiled(a, tf.tensor1d([5, 5])) as tf.Tensor).dataSync()], [-4, -3]);
    compiled.dispose();
  });

  it('captures a tensor from outside, which may then be disposed', () => {
    const outside = draw([600], 6);
    const expected = outside.dataSync().slice();
    const compiled = compile((x: tf.Tensor) => tf.mul(x, outside));
    compiled(tf.scalar(1));
    outside.dispose();
    assert.deepEqual((compiled(tf.scalar(1)) as tf.Tensor).dataSync(), expected);
    compiled.dispose();
  });

  it('gives trees back with the plain values that they held', () => {
    const compiled = compile((x: tf.Tensor) => ({
      doubled: [tf.mul(x, 2)],
      none: null,
      by: new Map([['x', x]]),
      count: 2,
    }));
    const result = compiled(tf.scalar(3));
    assert.equal(result.doubled[0].dataSync()[0], 6);
    assert.equal(result.by.get('x')?.dataSync()[0], 3);
    assert.deepEqual([result.none, result.count], [null, 2]);
    compiled.dispose();
  });

  it('becomes part of the graph when it is called in a function that is being recorded', () => {
    const inner = compile((x: tf.Tensor) => tf.square(x));
    const scale = tf.variable(tf.scalar(3));
    const learned = compileDifferentiable((x: tf.Tensor) => tf.mul(inner(x), scale), {
      variables: () => [scale],
    });
    const outer = compile((x: tf.Tensor) => {
      const { value, grads } = tf.variableGrads(() => tf.sum(learned(x)) as tf.Scalar, [scale]);
      return [value, grads[scale.name]];
    });
    for (let call = 0; call < 2; call++) {
      const [value, gradient] = outer(tf.tensor1d([1, 2]));
      assert.deepEqual([value.dataSync()[0], gradient.dataSync()[0]], [15, 5]);
    }
    assert.equal(inner.signatureCount + learned.signatureCount, 0);
    for (const fn of [inner, learned, outer]) fn.dispose();
    scale.dispose();
  });

  it('leaves as many tensors as it found, its results excepted', () => {
    const compiled = compile(network);
    const w = draw([8, 6], 1) as tf.Tensor2D;
    const x = draw([5, 6], 2) as tf.Tensor2D;
    compiled(x, w).dispose();
    const before = tf.memory().numTensors;
    for (let call = 0; call < 50; call++) compiled(x, w).dispose();
    assert.equal(tf.memory().numTensors, before);
    compiled.dispose();
  });

  it('refuses to read values, with the name of the function', () => {
    const readValues = (x: tf.Tensor) => tf.mul(x, tf.add(x, 1).dataSync()[0]);
    assert.throws(
      () => compile(readValues)(tf.scalar(1)),
      /Cannot compile "readValues": Cannot read values while recording/,
    );
    assert.equal(tf.add(tf.scalar(1), 1).dataSync()[0], 2);
  });

  it('refuses to assign a variable', () => {
    const w = tf.variable(tf.scalar(1));
    const assign = (x: tf.Tensor) => {
      w.assign(tf.add(w, x));
      return x;
    };
    assert.throws(() => compile(assign)(tf.scalar(1)), /that assigns a variable/);
    w.dispose();
  });

  it('refuses operations whose result changes from call to call', () => {
    const backend = nativeBackend();
    assert.ok(backend, 'this test needs the native library');
    const noise = (x: tf.Tensor) => {
      const attributes = [
        { name: 'dtype', type: TYPE_ATTRIBUTE, value: 1 },
        { name: 'T', type: TYPE_ATTRIBUTE, value: 3 },
      ];
      const shape = tf.tensor1d([2], 'int32');
      return tf.add(x, backend.executeSingleOutput('RandomStandardNormal', attributes, [shape]));
    };
    assert.throws(
      () => compile(noise)(tf.scalar(1)),
      /Cannot compile "noise": Cannot record "RandomStandardNormal" as its result changes/,
    );
  });

  it('names the line that reads a value', () => {
    const read = (x: tf.Tensor) => tf.mul(x, x.square().dataSync()[0]);
    assert.throws(
      () => compile(read)(tf.tensor1d([1, 2])),
      /Cannot compile "read": Cannot read values while recording .* \(test.sdk.tensorflow.compile\.test\.ts:\d+\)$/,
    );
  });

  it('refuses to keep a tensor, which would have no value', () => {
    const kept: tf.Tensor[] = [];
    const keep = (x: tf.Tensor) => {
      kept.push(tf.keep(tf.square(x)));
      return tf.sum(x);
    };
    assert.throws(
      () => compile(keep)(tf.tensor1d([1, 2])),
      /Cannot record a function that keeps a tensor as .*: return it instead; 1 are kept/,
    );
    tf.dispose(kept);
  });

  it('refuses a result whose shape depends on values', () => {
    const backend = nativeBackend();
    assert.ok(backend, 'this test needs the native library');
    const places = (x: tf.Tensor) =>
      backend.executeSingleOutput('Where', [{ name: 'T', type: TYPE_ATTRIBUTE, value: 1 }], [x]);
    assert.throws(
      () => compile(places)(tf.tensor1d([0, 2])),
      /Cannot record "Where" as the shape of its result depends on values/,
    );
  });

  it('reads a tensor from outside as it was when it was not TensorFlow’s yet', () => {
    const outside = tf.tensor1d([1, 2, 3]);
    const add = compile((x: tf.Tensor) => tf.add(x, outside));
    const x = tf.tensor1d([10, 20, 30]);
    for (let call = 0; call < 2; call++) {
      assert.deepEqual([...add(x).dataSync()], [11, 22, 33]);
    }
    assert.deepEqual([...tf.mul(outside, 2).dataSync()], [2, 4, 6]);
  });

  it('runAsync() gives the same bits, and the event loop turns meanwhile', async () => {
    const compiled = compile(network);
    const [x, w] = [draw([256, 512], 2), draw([512, 512], 1)] as tf.Tensor2D[];
    const expected = compiled(x, w);
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    const results: tf.Tensor[] = [];
    for (let call = 0; call < 20; call++) results.push(await compiled.runAsync(x, w));
    clearInterval(count);
    for (const result of results) assert.deepEqual(result.dataSync(), expected.dataSync());
    assert.ok(turns > 0);
    tf.dispose(results);
  });

  it('warm() records, tells how far it is, and leaves nothing behind', async () => {
    const stages: string[] = [];
    const compiled = compile(network, { onFirstCall: ({ stage }) => stages.push(stage) });
    const [x, w] = [draw([5, 6], 2), draw([8, 6], 1)] as tf.Tensor2D[];
    const before = tf.memory().numTensors;
    await compiled.warm(x, w);
    await compiled.warm(x, w);
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(stages, ['recording', 'compiling', 'ready']);
    assert.equal(compiled.signatureCount, 1);
  });

  it('is kept until a call on another thread has ended, when it is disposed meanwhile', async () => {
    const x = draw([8, 8], 2) as tf.Tensor2D;
    for (let round = 0; round < 10; round++) {
      const deep = (given: tf.Tensor2D) => {
        let y = given;
        for (let at = 0; at < 20; at++)
          y = tf.tanh(tf.add<tf.Tensor2D>(tf.matMul(y, y), round / 100));
        return y;
      };
      const compiled = compile(deep);
      const running = compiled.runAsync(x);
      if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 2 * round));
      compiled.dispose();
      assert.ok(gap(await running, deep(x)) < 1e-5);
    }
  });

  it('refuses to run what was prepared once it is disposed', async () => {
    const compiled = compile(function alone(x: tf.Tensor) {
      return tf.mul(x, 0.123);
    });
    const call = compiled.prepare(draw([5, 6], 2));
    compiled.dispose();
    await assert.rejects(call.run(), {
      message: 'Cannot run compiled "alone" as it must not be disposed: it was',
    });
  });

  it('shares what is recorded alike, and keeps it until its last user is gone', () => {
    const [one, other] = [compile(network), compile(network)];
    const [x, w] = [draw([5, 6], 2), draw([8, 6], 1)] as tf.Tensor2D[];
    const expected = one(x, w).dataSync();
    assert.deepEqual(other(x, w).dataSync(), expected);
    one.dispose();
    assert.deepEqual(other(x, w).dataSync(), expected);
    other.dispose();
    assert.deepEqual(one(x, w).dataSync(), expected);
    one.dispose();
  });

  for (const xla of [true, false]) {
    it(`leaves nothing of a thousand calls, ${xla ? 'with' : 'without'} XLA`, () => {
      const compiled = compile(network, { xla });
      const [x, w] = [draw([64, 128], 2), draw([256, 128], 1)] as tf.Tensor2D[];
      const run = (calls: number) => {
        for (let call = 0; call < calls; call++) compiled(x, w).dispose();
      };
      const variables = () => Object.keys(tf.engine().registeredVariables).length;
      run(300);
      const before = tf.memory();
      const variablesBefore = variables();
      const resident = process.memoryUsage().rss;
      run(1000);
      assert.equal(tf.memory().numTensors, before.numTensors);
      assert.equal(tf.memory().numBytes, before.numBytes);
      assert.equal(variables(), variablesBefore);
      assert.ok(process.memoryUsage().rss < 1.02 * resident);
      compiled.dispose();
    });
  }
});
