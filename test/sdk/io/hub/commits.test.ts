import assert from 'node:assert/strict';
import { isCommit } from '../../../../sdk/src/io/hub/hub-cache';
import { isSet } from '../../../../sdk/src/io/hub/is-set';

describe('isCommit()', () => {
  it('takes forty hexadecimal digits and nothing around them', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567';
    const given = [commit, `${commit}0`, commit.slice(1), `x${commit}`, `${commit}/..`, 'main'];
    assert.deepEqual(given.map(isCommit), [true, false, false, false, false, false]);
  });
});

describe('isSet()', () => {
  it("takes the ecosystem's spellings of yes, in any case", () => {
    assert.ok(['1', 'on', 'ON', 'Yes', 'true'].every(isSet));
    assert.ok(![undefined, '', '0', 'off', 'no', 'false', 'y'].some(isSet));
  });
});
