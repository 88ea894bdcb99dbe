import assert from 'node:assert/strict';
import { isSet } from '../../../../sdk/src/io/hub/is-set';

describe('isSet()', () => {
  it("takes the ecosystem's spellings of yes, in any case", () => {
    assert.ok(['1', 'on', 'ON', 'Yes', 'true'].every(isSet));
    assert.ok(![undefined, '', '0', 'off', 'no', 'false', 'y'].some(isSet));
  });
});
