import assert from 'node:assert/strict';
import { PromptPriority } from '@flowbook/sdk';

describe('PromptPriority', () => {
  it('draws in proportion to how much pictures differed, down to a floor; unseen prompts count most', () => {
    const priority = new PromptPriority(4, { memory: 0.5, floor: 0.25 });
    assert.deepEqual(priority.weights(null), [1, 1, 1, 1]);
    priority.learn(0, [1, 1, 1, 1]);
    priority.learn(1, [0, 1, 0, 1]); // spread 0.5
    priority.learn(2, [0.5, 1, 0.5, 1]); // spread 0.25
    assert.deepEqual(priority.weights(null), [0.25, 1, 0.625, 1]);
    assert.deepEqual(priority.weights([1, 2, 0, 3]), [0.25, 2, 0, 3]);
    priority.learn(1, [1, 1, 1, 1]); // half of what was known
    assert.deepEqual(priority.weights(null), [0.25, 1, 1, 1]);
  });

  it('leaves out what could not be rated', () => {
    const priority = new PromptPriority(2, { floor: 0 });
    priority.learn(0, [NaN, NaN]);
    priority.learn(1, [NaN, 0.5, 0.5]);
    assert.deepEqual(priority.state, [null, 0]);
  });

  it('goes on from what was known, and refuses that of other prompts', () => {
    const first = new PromptPriority(2);
    first.learn(0, [0, 1]);
    const second = new PromptPriority(2);
    second.restore(JSON.parse(JSON.stringify(first.state)) as (number | null)[]);
    assert.deepEqual(second.weights(null), first.weights(null));
    assert.throws(
      () => new PromptPriority(3).restore(first.state),
      /there must be as many as before, 2: current number is 3/,
    );
  });

  it('refuses a floor or a memory outside of 0 to 1', () => {
    assert.throws(
      () => new PromptPriority(1, { floor: 2 }),
      /floor must be a number from 0 to 1: current value is 2/,
    );
    assert.throws(
      () => new PromptPriority(1, { memory: NaN }),
      /memory must be a number from 0 to 1/,
    );
  });
});
