import assert from 'node:assert/strict';
import { differencesFrom, type RunBasis } from '../../../../sdk/src/training/run/run-basis';

const basis = (settings: RunBasis['settings']): RunBasis => ({ settings, model: {}, versions: {} });

describe('differencesFrom()', () => {
  it('names what came, went or changed in kind, and lists that differ where messages no longer show them', () => {
    const weights = Array<number>(200).fill(1);
    const before = { lora: null, window: [0, 5], gone: 1, promptWeights: [...weights, 1] };
    const now = { lora: { rank: 2 }, window: [0, 5], come: 'a', promptWeights: [...weights, 2] };
    const shown = `[${'1,'.repeat(100)}`.slice(0, 200);
    assert.deepEqual(differencesFrom(basis(before), basis(now)), [
      'settings.lora was null, and is {"rank":2}',
      'settings.come was undefined, and is "a"',
      `settings.promptWeights was ${shown}..., and is ${shown}...`,
      'settings.gone was 1, and is undefined',
    ]);
  });

  it('leaves out the size of micro-batches where it is measured, and why it is what it is', () => {
    const before = { microBatchSize: 6, microBatchReason: 'micro-batches of 6' };
    const given = { microBatchSize: 4, microBatchReason: 'given' };
    assert.deepEqual(
      differencesFrom(basis(before), basis({ ...given, microBatchReason: 'auto' })),
      [],
    );
    assert.deepEqual(differencesFrom(basis(before), basis(given)), [
      'settings.microBatchSize was 6, and is 4',
    ]);
  });

  it('compares nothing with a checkpoint that says nothing', () => {
    assert.deepEqual(differencesFrom({}, basis({ steps: 2 })), []);
  });
});
