import assert from 'node:assert/strict';
import { fusedMultiplyAdd, logSingle, sinCosSingle } from '../../../sdk/src/core/single-precision';
import { TorchRandom } from '../../../sdk/src/core/torch-random';

const f32 = Math.fround;

/** [high, torch.randint(0, high)] one after the other. */
const INTEGERS = [
  [4, 3],
  [5, 0],
  [1000, 361],
  [2 ** 20, 18810],
  [2 ** 28 - 1, 257239740],
  [2 ** 28, 221932559],
  [2 ** 29, 164853346],
  [2 ** 31, 137883921],
  [2 ** 32 - 1, 1008322843],
  [2 ** 32, 440608000],
  [2 ** 33, 4817535015],
  [2 ** 40, 565405371902],
];

describe('TorchRandom', () => {
  it('gives the numbers of torch 2.13 for small and large draws, one after the other', () => {
    const random = new TorchRandom(-3);
    assert.deepEqual(Array.from(random.normal(2)), [0.5177019238471985, -0.003518524579703808]);
    assert.deepEqual(
      Array.from(random.normal(16).subarray(0, 2)),
      [-0.8657497763633728, 0.2425432950258255],
    );
    assert.deepEqual(Array.from(random.uniform(2)), [0.20062464475631714, 0.8487716913223267]);
    assert.equal(random.integer(-5, 5), -1);
  });

  it('gives the orders of torch.randperm', () => {
    const random = new TorchRandom(7);
    assert.deepEqual(random.permutation(10), [5, 0, 3, 4, 1, 7, 9, 6, 8, 2]);
    assert.deepEqual(random.permutation(5), [1, 3, 0, 2, 4]);
    assert.deepEqual([random.permutation(1), random.permutation(0)], [[0], []]);
  });

  it('gives integers of torch.randint, from 64 bits where there are 2^28 choices or more', () => {
    const random = new TorchRandom(2 ** 40 + 12345);
    for (const count of [1, 15, 16, 31, 15, 100, 6, 1]) random.normal(count);
    const integers = INTEGERS.map(([high]) => [high, random.integer(0, high)]);
    assert.deepEqual(integers, INTEGERS);
  });

  it('refuses seeds and ranges that torch does not take', () => {
    for (const seed of [0.5, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n]) {
      assert.throws(() => new TorchRandom(seed), {
        message: `Cannot seed TorchRandom as the seed must be an integer from -2^63 to 2^64 - 1: current value is ${seed}`,
      });
    }
    for (const seed of [2n ** 64n - 1n, -(2n ** 63n)]) new TorchRandom(seed);
    for (const [low, high] of [
      [3, 3],
      [4, 3],
      [0.5, 3],
      [0, 2 ** 53],
    ]) {
      assert.throws(() => new TorchRandom(0).integer(low, high), {
        message: `Cannot draw an integer as low < high must be safe integers: ${low} and ${high}`,
      });
    }
    assert.equal(new TorchRandom(0).integer(3, 4), 3);
  });

  it('keeps the second number of a small pair over a large draw', () => {
    const [together, apart] = [new TorchRandom(1), new TorchRandom(1)];
    const [first, second] = together.normal(2);
    assert.equal(apart.normal(1)[0], first);
    apart.normal(16);
    assert.equal(apart.normal(1)[0], second);
  });

  it('draws the last block anew when the count is no multiple of 16', () => {
    const [whole, ragged] = [new TorchRandom(5).normal(32), new TorchRandom(5).normal(33)];
    assert.deepEqual(ragged.subarray(0, 16), whole.subarray(0, 16));
    assert.notDeepEqual(ragged.subarray(17, 32), whole.subarray(17, 32));
  });

  it('gives normal numbers: mean 0, variance 1, kurtosis 3', () => {
    for (const draws of [
      new TorchRandom(11).normal(200_000),
      Float32Array.from(
        { length: 200_000 },
        (() => {
          const random = new TorchRandom(12);
          return () => random.normal(1)[0];
        })(),
      ),
    ]) {
      const moment = (k: number) => draws.reduce((sum, x) => sum + x ** k, 0) / draws.length;
      assert.ok(Math.abs(moment(1)) < 0.01);
      assert.ok(Math.abs(moment(2) - 1) < 0.02);
      assert.ok(Math.abs(moment(4) - 3) < 0.1);
    }
  });

  it('takes the low 32 bits of a seed, and refuses one that is no integer', () => {
    assert.deepEqual(new TorchRandom(2 ** 32 + 9).normal(3), new TorchRandom(9).normal(3));
    assert.throws(() => new TorchRandom(0.5), {
      message:
        'Cannot seed TorchRandom as the seed must be an integer from -2^63 to 2^64 - 1: current value is 0.5',
    });
    assert.throws(() => new TorchRandom(1).integer(3, 3), {
      message: 'Cannot draw an integer as low < high must be safe integers: 3 and 3',
    });
    assert.deepEqual(new TorchRandom(1).normal(0), new Float32Array(0));
  });
});

describe('fusedMultiplyAdd()', () => {
  it('rounds once where a product and a sum round twice', () => {
    const a = f32(1 + 2 ** -12);
    assert.equal(fusedMultiplyAdd(a, a, -1), f32(2 ** -11 + 2 ** -24));
    assert.notEqual(f32(f32(a * a) - 1), fusedMultiplyAdd(a, a, -1));
  });

  it('is not deceived by a sum that lies next to a tie', () => {
    // 1 + 2^-24 is a tie, which goes down to 1; a little more must go up, a little less down.
    const next = 1 + 2 ** -23;
    assert.equal(fusedMultiplyAdd(2 ** -12, 2 ** -12, 1), 1);
    assert.equal(fusedMultiplyAdd(2 ** -24 * next, next, 1), next);
    assert.equal(fusedMultiplyAdd(-(2 ** -60), 2 ** -60, next), next);
    assert.equal(fusedMultiplyAdd(2 ** -24 * (1 - 2 ** -24), 1 - 2 ** -24, 1), 1);
  });

  it('is not deceived by a sum that a double rounds to a tie', () => {
    const [a, b] = [1 + 2 ** -12, 1 + 3 * 2 ** -12];
    // a a = 1 + 2^-11 + 2^-24 goes down, a b = 1 + 2^-10 + 2^-24 + 2^-23 up; 2^-70 is no part of a double beside them.
    const [down, up] = [1 + 2 ** -11, 1 + 2 ** -10 + 2 ** -22];
    assert.deepEqual([fusedMultiplyAdd(a, a, 0), fusedMultiplyAdd(a, b, 0)], [down, up]);
    assert.equal(fusedMultiplyAdd(a, a, 2 ** -70), down + 2 ** -23);
    assert.equal(fusedMultiplyAdd(a, b, -(2 ** -70)), up - 2 ** -23);
    assert.equal(fusedMultiplyAdd(-a, a, -(2 ** -70)), -down - 2 ** -23);
    assert.equal(fusedMultiplyAdd(-a, b, 2 ** -70), 2 ** -23 - up);
  });
});

describe('logSingle() and sinCosSingle()', () => {
  it('are within one unit in the last place of the true values', () => {
    const out = [0, 0];
    for (let k = 1; k <= 20_000; k++) {
      const x = k / 20_000;
      const log = Math.log(f32(x));
      assert.ok(Math.abs(logSingle(f32(x)) - log) <= 2 ** -23 * Math.abs(log) + 1e-12);
      const angle = f32(x * 2 * Math.PI);
      sinCosSingle(angle, out);
      assert.ok(Math.abs(out[0] - Math.sin(angle)) < 1.2e-7);
      assert.ok(Math.abs(out[1] - Math.cos(angle)) < 1.2e-7);
    }
    assert.equal(logSingle(1), 0);
  });
});
