import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { TorchRandom } from '../../sdk/src/core/torch-random';
import { referencePython } from './reference-python';

type Draw = ['randn' | 'rand' | 'randperm', number] | ['randint', number, number];

const SEQUENCES = process.env.FLOWBOOK_LONG === '1' ? 400 : 40;

/** Seeds at the ends of what PyTorch takes, and where their low 32 bits wrap around. */
const SEEDS = [
  0n,
  1n,
  -1n,
  -3n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  -(2n ** 63n),
  987654321987654321n,
];

/** Sizes below 16, at multiples of 16, beside them, and of many thousands. */
const SIZES = [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 48, 63, 1000, 1024, 4099, 70_001];

function draw(random: TorchRandom, [kind, first, high]: Draw): Float32Array | BigInt64Array {
  switch (kind) {
    case 'randn':
      return random.normal(first);
    case 'rand':
      return random.uniform(first);
    case 'randperm':
      return BigInt64Array.from(random.permutation(first), BigInt);
    default:
      return BigInt64Array.of(BigInt(random.integer(first, high as number)));
  }
}

function digest(random: TorchRandom, one: Draw): string {
  const { buffer } = draw(random, one);
  return createHash('sha256').update(new Uint8Array(buffer)).digest('hex');
}

describe('TorchRandom beside torch.Generator', function () {
  this.timeout(300_000);

  it('draws the same bits for every size, one draw after the other, from any seed', async () => {
    const python = await referencePython();
    const draws: Draw[] = SIZES.flatMap((size): Draw[] => [
      ['randn', size],
      ['rand', Math.min(size, 40)],
      ['randn', 1],
    ]);
    for (const seed of SEEDS) {
      const random = new TorchRandom(seed);
      assert.deepEqual(
        draws.map((one) => digest(random, one)),
        await python.call('random_draws.digests', { seed: String(seed), draws }),
        `seed ${seed}`,
      );
    }
  });

  it(`draws the same bits in ${SEQUENCES} mixed sequences`, async () => {
    const python = await referencePython();
    const choose = new TorchRandom(20260813);
    for (let sequence = 0; sequence < SEQUENCES; sequence++) {
      const seed =
        BigInt(choose.integer(0, 2 ** 32)) * 2n ** 31n * (choose.integer(0, 2) === 0 ? 1n : -1n) +
        BigInt(choose.integer(0, 2 ** 31));
      const draws = Array.from({ length: 12 }, (): Draw => {
        const kind = choose.integer(0, 5);
        if (kind === 4) return ['randperm', choose.integer(0, 200)];
        if (kind === 0) return ['rand', choose.integer(0, 50)];
        if (kind === 1) return ['randn', choose.integer(0, 16)];
        if (kind === 2) return ['randn', choose.integer(16, 3000)];
        const low = choose.integer(-1000, 1000);
        return ['randint', low, low + 1 + choose.integer(0, 2 ** choose.integer(1, 45))];
      });
      const random = new TorchRandom(seed);
      assert.deepEqual(
        draws.map((one) => digest(random, one)),
        await python.call('random_draws.digests', { seed: String(seed), draws }),
        `seed ${seed}: ${JSON.stringify(draws)}`,
      );
    }
  });

  it('takes the seeds that torch.manual_seed takes', async () => {
    const python = await referencePython();
    for (const seed of [2n ** 64n, -(2n ** 63n) - 1n]) {
      assert.equal(await python.call('random_draws.refusal', { seed: String(seed) }), 'ValueError');
      assert.throws(() => new TorchRandom(seed), {
        message: `Cannot seed TorchRandom as the seed must be an integer from -2^63 to 2^64 - 1: current value is ${seed}`,
      });
    }
  });
});
