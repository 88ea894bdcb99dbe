import assert from 'node:assert/strict';
import { betaQuantile } from '../../../sdk/src/schedulers/beta-quantile';

const SHARES = [1e-6, 0.001, 0.05, 0.25, 0.5, 0.6, 0.9, 0.999];

/** Distributions whose quantile can be written down. */
const CLOSED: [string, number, number, (p: number) => number][] = [
  ['Beta(1, 1), evenly spread', 1, 1, (p) => p],
  ['Beta(3, 1), a power', 3, 1, (p) => p ** (1 / 3)],
  ['Beta(0.4, 1), a power', 0.4, 1, (p) => p ** 2.5],
  ['Beta(1, 5), a power from the other side', 1, 5, (p) => 1 - (1 - p) ** 0.2],
  ['Beta(1/2, 1/2), the arcsine law', 0.5, 0.5, (p) => Math.sin((Math.PI * p) / 2) ** 2],
  ['Beta(2, 2), a cubic', 2, 2, (p) => 0.5 - Math.sin(Math.asin(1 - 2 * p) / 3)],
];

describe('betaQuantile()', () => {
  for (const [name, a, b, quantile] of CLOSED) {
    it(`is that of ${name}`, () => {
      for (const p of SHARES) {
        const [x, expected] = [betaQuantile(p, a, b), quantile(p)];
        assert.ok(Math.abs(x - expected) < 1e-13, `at ${p}: ${x} is not ${expected}`);
      }
    });
  }

  it('mirrors when a and b change places', () => {
    for (const p of SHARES) {
      const [x, mirrored] = [betaQuantile(p, 0.6, 2.3), 1 - betaQuantile(1 - p, 2.3, 0.6)];
      assert.ok(Math.abs(x - mirrored) < 1e-12, `at ${p}: ${x} and ${mirrored}`);
    }
  });

  it('stays within 0 and 1', () => {
    assert.deepEqual(
      [-1, 0, 1, 2].map((p) => betaQuantile(p, 0.6, 0.6)),
      [0, 0, 1, 1],
    );
  });
});
