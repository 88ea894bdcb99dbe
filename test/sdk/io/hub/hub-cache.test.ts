import assert from 'node:assert/strict';
import { isCommit } from '../../../../sdk/src/io/hub/hub-cache';

describe('isCommit()', () => {
  it('takes forty hexadecimal digits and nothing around them', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567';
    const given = [commit, `${commit}0`, commit.slice(1), `x${commit}`, `${commit}/..`, 'main'];
    assert.deepEqual(given.map(isCommit), [true, false, false, false, false, false]);
  });
});
