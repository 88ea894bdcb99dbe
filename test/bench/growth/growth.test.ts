import assert from 'node:assert/strict';
import { growthExponent, pointsAlong, quantityOf, type GrowthPoint } from './growth-point';
import { formatGrowth } from './growth-table';
import { logLogSlope } from './slope';

/** Flowbook's time and memory grow linearly, PyTorch's as the square of the tokens. */
const point = (batch: number, image_tokens: number): GrowthPoint => ({
  work: 'forward',
  batch,
  image_tokens,
  flowbook_ms: 2 * batch * image_tokens,
  eager_ms: batch * image_tokens ** 2,
  flowbook_mb: 500 + batch * image_tokens,
  eager_mb: 400 + batch * image_tokens ** 2,
  flowbook_loaded_mb: 500,
  eager_loaded_mb: 400,
});

const points = [point(2, 256), point(1, 256), point(1, 1024), point(1, 64)];

describe('how the benchmark says that something grows', () => {
  it('logLogSlope() finds the exponent of a power', () => {
    const slope = logLogSlope([1, 2, 5, 9].map((x) => [x, 3 * x ** 1.7]));
    assert.ok(Math.abs(slope - 1.7) < 1e-12);
  });

  it('logLogSlope() refuses a single size and values that are not positive', () => {
    assert.throws(
      () => logLogSlope([[2, 3]]),
      /^Error: Cannot fit a slope as there must be two sizes or more: there are 1 points$/,
    );
    assert.throws(
      () =>
        logLogSlope([
          [1, 0],
          [2, 3],
        ]),
      /^Error: Cannot fit a slope as values must be positive: current value is 0$/,
    );
  });

  it('pointsAlong() takes an axis at the other one’s fixed size, in order', () => {
    const along = (axis: 'batch' | 'image_tokens') =>
      pointsAlong(points, 'forward', axis).map((one) => one[axis]);
    assert.deepEqual(along('batch'), [1, 2]);
    assert.deepEqual(along('image_tokens'), [64, 256, 1024]);
    assert.deepEqual(pointsAlong(points, 'other', 'batch'), []);
  });

  it('quantityOf() counts memory beyond the loaded model', () => {
    assert.equal(quantityOf(point(1, 64), 'memory', 'flowbook'), 64);
    assert.equal(quantityOf(point(1, 64), 'time', 'eager'), 4096);
  });

  it('growthExponent() tells linear from quadratic', () => {
    const exponent = (side: 'flowbook' | 'eager', quantity: 'time' | 'memory') =>
      growthExponent(points, { work: 'forward', axis: 'image_tokens', quantity, side }).toFixed(6);
    assert.equal(exponent('flowbook', 'time'), '1.000000');
    assert.equal(exponent('eager', 'time'), '2.000000');
    assert.equal(exponent('eager', 'memory'), '2.000000');
  });

  it('formatGrowth() sets both sides next to each other, exponents below', () => {
    const [, table] = formatGrowth(points).split('forward\n').slice(1);
    assert.deepEqual(
      table
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
      [
        ['image tokens', 'Flowbook, ms', 'PyTorch, ms', 'Flowbook, MB', 'PyTorch, MB'],
        ['64', '128', '4096', '64', '4096'],
        ['256', '512', '65536', '256', '65536'],
        ['1024', '2048', '1048576', '1024', '1048576'],
        ['grows as size to the', '1.00', '2.00', '1.00', '2.00'],
      ],
    );
  });
});
