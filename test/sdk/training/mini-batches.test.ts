import assert from 'node:assert/strict';
import { RandomKey, miniBatches } from '@flowbook/sdk';

const rows = (count: number) => Array.from({ length: count }, (_, at) => at);

describe('miniBatches()', () => {
  it('deals rows out in their order, the rest last', () => {
    const options = { size: 2, epochs: 2, shuffle: false, order: 1 };
    assert.deepEqual(miniBatches([5, 6, 7], options), [[5, 6], [7], [5, 6], [7]]);
  });

  it('takes all rows at once without a size, and leaves them as they are', () => {
    const key = RandomKey.fromSeed(1);
    const options = { size: null, epochs: 2, shuffle: true, order: key };
    assert.deepEqual(miniBatches(rows(3), options), [rows(3), rows(3)]);
  });

  it('takes every row once an epoch, in another order each', () => {
    const order = RandomKey.fromSeed(1);
    const dealt = miniBatches(rows(8), { size: 4, epochs: 2, shuffle: true, order });
    const epochs = [dealt.slice(0, 2).flat(), dealt.slice(2).flat()];
    for (const epoch of epochs) assert.deepEqual([...epoch].sort(), rows(8));
    assert.notDeepEqual(epochs[0], epochs[1]);
  });

  it("has the order of PyTorch's DataLoader for a seed", () => {
    // DataLoader(range(10), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(42)), three epochs.
    assert.deepEqual(miniBatches(rows(10), { size: 4, epochs: 3, shuffle: true, order: 42 }), [
      ...[
        [6, 5, 4, 0],
        [8, 9, 2, 1],
        [3, 7],
      ],
      ...[
        [3, 6, 5, 8],
        [9, 4, 2, 0],
        [7, 1],
      ],
      ...[
        [7, 4, 5, 0],
        [9, 1, 3, 2],
        [8, 6],
      ],
    ]);
  });
});
