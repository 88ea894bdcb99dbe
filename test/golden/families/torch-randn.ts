import { torchGenerator, type Generator } from '@flowbook/sdk';
import { Comparison } from '../comparison';
import type { Description, FamilyCheck } from '../golden-case';

/** Consecutive draws of one generator a seed: equal to the last bit. */
export const check: FamilyCheck = async ({ json, tensor }) => {
  const comparison = new Comparison();
  const streams = new Map<number, Generator>();
  for (const { id, seed, shape } of json.subcases as Description[]) {
    const stream = streams.get(seed) ?? torchGenerator(seed);
    streams.set(seed, stream);
    comparison.compare(id, stream.randn(shape), tensor(id), { atol: 0, rtol: 0 });
  }
  return comparison.result();
};
