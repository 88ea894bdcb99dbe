import { checkOptions, COMPAT, wholeNumber } from '../core/option-rules';

/** Row r of base seed b has the seed (b ROW_FACTOR + r) mod SEED_MODULUS. */
const ROW_FACTOR = 1_000_003n;
const SEED_MODULUS = 2n ** 63n - 1n;

/** The seed that verl-omni validates with. */
const VALIDATION_SEED = 42;

/**
 * The seeds of a training step's pictures, by verl-omni's rule: the step's base is seed + step - 1, and
 * each row's seed follows from the base and its number among all rows, whichever batch it is served in.
 *
 * @param seed Of the run.
 * @param step The training step, from 1.
 * @param rows How many rows, or the numbers of some.
 * @throws When seed, step or rows are no whole numbers, or a row's seed is no safe integer: then the run's seed is too large.
 * @example
 * rolloutSeeds(42, 1, 2); // [42000126, 42000127]
 */
export function rolloutSeeds(
  seed: number,
  step: number,
  rows: number | readonly number[],
): number[] {
  if (!Number.isInteger(step) || step < 1) {
    throw new Error(
      `Cannot seed a rollout as the training step must be a whole number from 1: current value is ${step}`,
    );
  }
  if (!Number.isInteger(seed)) {
    throw new Error(
      `Cannot seed a rollout as the seed must be a whole number: current value is ${seed}`,
    );
  }
  const wrong = [rows].flat().find((row) => !(Number.isInteger(row) && row >= 0));
  if (wrong !== undefined) {
    throw new Error(
      `Cannot seed a rollout as rows must be whole numbers from 0: current value is ${wrong}`,
    );
  }
  const numbers = typeof rows === 'number' ? Array.from({ length: rows }, (_, row) => row) : rows;
  const base = BigInt(seed) + BigInt(step - 1);
  return numbers.map((row) => {
    const remainder = (base * ROW_FACTOR + BigInt(row)) % SEED_MODULUS;
    const own = Number(remainder < 0n ? remainder + SEED_MODULUS : remainder);
    if (!Number.isSafeInteger(own)) {
      throw new Error(
        `Cannot seed a rollout as the seed must leave each row's a safe integer: current value is ${seed}`,
      );
    }
    return own;
  });
}

/**
 * The seeds of a prompt's pictures in validation, the same for every prompt and at every step, so that
 * pictures of one prompt can be compared over a training.
 *
 * `compat: 'verl-omni'` gives all of them one seed: with several pictures a prompt they are all alike.
 *
 * @param count Pictures of a prompt.
 * @throws When there is no such option, or it or the count breaks its rule.
 * @example
 * validationSeeds(3); // [42, 43, 44]
 */
export function validationSeeds(
  count: number,
  options: { seed?: number; compat?: 'verl-omni' | null } = {},
): number[] {
  checkOptions('seed a validation', options, { seed: wholeNumber(), compat: COMPAT });
  checkOptions('seed a validation', { count }, { count: wholeNumber(0) });
  const { seed = VALIDATION_SEED, compat = null } = options;
  return Array.from({ length: count }, (_, at) => seed + (compat === 'verl-omni' ? 0 : at));
}
