import assert from 'node:assert/strict';
import { formatBytes } from '../../../sdk/src/core/format-bytes';

describe('formatBytes()', () => {
  it('counts in thousands, and goes on to the next unit where rounding would say 1000', () => {
    const sizes = [0, 999, 1000, 999_949, 999_950, 57_704_595_216, 1.5e12];
    assert.deepEqual(sizes.map(formatBytes), [
      ...['0 bytes', '999 bytes', '1.0 kB', '999.9 kB', '1.0 MB', '57.7 GB', '1.5 TB'],
    ]);
  });

  it('has no unit above TB', () => {
    assert.equal(formatBytes(2e15), '2000.0 TB');
  });
});
