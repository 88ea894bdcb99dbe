import assert from 'node:assert/strict';
import { isHubName } from '../../../../sdk/src/io/hub/hub-name';

describe('isHubName()', () => {
  it('takes owner/name of what a hub allows, where no file is of that name', () => {
    assert.deepEqual(['Qwen/Qwen-Image', 'a/b', 'owner.x/name_1.0'].map(isHubName), [
      true,
      true,
      true,
    ]);
  });

  for (const path of [
    ...['name', 'a/b/c', '', '/', 'a/', '/b', './b', '../b', '-a/b', 'a/b-', 'a--b/c', 'a/b..c'],
    ...['a b/c', 'C:\\models/x', 'datasets/tiny-qwen-image', `a/${'b'.repeat(97)}`],
  ]) {
    it(`refuses ${JSON.stringify(path)}`, () => {
      assert.equal(isHubName(path), false);
    });
  }
});
