import assert from 'node:assert/strict';
import { checkCase, hasChecker } from './check-case';
import { findCases } from './golden-case';

describe('golden cases', () => {
  for (const goldenCase of findCases(__dirname)) {
    if (!hasChecker(goldenCase.family)) continue;
    it(`${goldenCase.family}/${goldenCase.name} agrees with the reference`, async function () {
      const { status, detail } = await checkCase(goldenCase);
      if (status === 'skipped') this.skip();
      assert.equal(status, 'passed', detail);
    });
  }
});
