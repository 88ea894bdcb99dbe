import assert from 'node:assert/strict';
import { isAlive, ownProcess } from '../../../sdk/src/core/process-identity';

describe('isAlive()', () => {
  const own = ownProcess();

  it('knows this process by its place, whatever its host is called now', () => {
    assert.equal(isAlive(own), true);
    assert.equal(isAlive({ ...own, host: 'renamed' }), own.place === null ? null : true);
  });

  it('says no of a number that another process has now', () => {
    assert.equal(isAlive({ ...own, began: '1' }), own.began === null);
  });

  it('cannot see what is elsewhere', () => {
    assert.equal(isAlive({ ...own, place: 'another place', host: 'elsewhere' }), null);
  });
});
