import assert from 'node:assert/strict';
import { advantageEstimators, RandomKey } from '@flowbook/sdk';
import { registerShuffled, SHUFFLED } from '../../notebooks/full/shuffled-advantages';

const REWARDS = [0.1, 0.9, 0.4, 0.7, 0.2, 0.3];
const GROUPS = ['a', 'a', 'a', 'b', 'b', 'b'];

describe('registerShuffled()', () => {
  afterEach(() => advantageEstimators.unregister(SHUFFLED));

  it('draws by seed and step: what a run was stopped and taken up again after is drawn as in one that was not', () => {
    let stepsDone = 0;
    registerShuffled(7, () => stepsDone);
    const settings = { globalStd: true, normAdvByStdInGrpo: true, compat: null };
    const drawn = () =>
      Array.from(advantageEstimators.get(SHUFFLED)(REWARDS, GROUPS, settings).dataSync());
    const steps = [0, 1, 2].map((step) => {
      stepsDone = step;
      return drawn();
    });
    assert.notDeepEqual(steps[0], steps[1]);
    stepsDone = 2;
    assert.deepEqual(drawn(), steps[2]);
    const plain = advantageEstimators.get('flow_grpo')(REWARDS, GROUPS, settings).dataSync();
    const key = RandomKey.fromSeed(7).fold('shuffled', 1);
    const order = GROUPS.map((_, row) => row);
    order.sort((a, b) => key.fold(a).uniform() - key.fold(b).uniform());
    assert.deepEqual(
      steps[1],
      order.map((row) => plain[row]),
    );
  });
});
