import assert from 'node:assert/strict';
import { environmentChoice } from '../../../sdk/src/core/environment-choice';

describe('environmentChoice()', () => {
  const choose = (value?: string) =>
    environmentChoice('FLOWBOOK_RESUME', ['auto'], { FLOWBOOK_RESUME: value });

  it('returns the word, and undefined where none is given', () => {
    assert.deepEqual([choose('auto'), choose(''), choose()], ['auto', undefined, undefined]);
  });

  it('throws for another word, with those that there are', () => {
    assert.throws(() => choose('Auto'), {
      message: 'Cannot heed FLOWBOOK_RESUME as it must be "auto": current value is "Auto"',
    });
  });
});
