import assert from 'node:assert/strict';
import {
  lastWindowStart,
  mixGrpoWindow,
  type MixGrpoWindowSettings,
} from '../../../sdk/src/schedulers';

/** Where windows of two steps begin. */
const starts = (settings: MixGrpoWindowSettings, steps: number, compat?: 'verl-omni') =>
  Array.from({ length: steps }, (_, at) => {
    const window = mixGrpoWindow({ sde_window_size: 2, ...settings, global_steps: at + 1 }, compat);
    if (window !== null) assert.equal(window[1] - window[0], 2);
    return window?.[0];
  });

describe('mixGrpoWindow()', () => {
  it("places random windows where Python's generator does", () => {
    const settings = { sample_strategy: 'random', sde_window_seed: 42 } as const;
    assert.deepEqual(starts(settings, 10), [0, 3, 2, 0, 2, 2, 0, 3, 1, 2]);
  });

  it('gives the first progressive window its full share of training steps', () => {
    const settings = { sample_strategy: 'progressive', iters_per_group: 2 } as const;
    assert.deepEqual(starts(settings, 6), [0, 0, 2, 2, 3, 3]);
  });

  it("never trains the first window with one step a window in compat 'verl-omni'", () => {
    const settings = { sample_strategy: 'progressive' } as const;
    assert.deepEqual(starts(settings, 4, 'verl-omni'), [2, 3, 3, 3]);
    assert.deepEqual(starts(settings, 4), [0, 2, 3, 3]);
  });

  it('takes null for the range [0, 5], whatever the number of steps', () => {
    const settings = { sample_strategy: 'progressive', sde_window_range: null } as const;
    assert.deepEqual(starts(settings, 9), starts({ ...settings, sde_window_range: [0, 5] }, 9));
  });

  it('gives the range, or none, where it is not told what it needs to place a window', () => {
    const range = [1, 4] as const;
    for (const missing of [null, undefined]) {
      const unsized = { sde_window_size: missing, sde_window_seed: 1, sde_window_range: range };
      const unseeded = { sde_window_size: 2, sde_window_seed: missing, sde_window_range: range };
      assert.deepEqual(mixGrpoWindow(unsized), [1, 4]);
      assert.deepEqual(mixGrpoWindow(unseeded), [1, 4]);
      assert.equal(mixGrpoWindow({ ...unseeded, sde_window_range: missing }), null);
    }
  });

  it("refuses a strategy that it does not know, which compat 'verl-omni' takes for none", () => {
    const settings = {
      sample_strategy: 'backwards' as 'random',
      sde_window_range: [1, 4],
    } as const;
    assert.throws(() => mixGrpoWindow(settings), {
      message:
        'Cannot place an SDE window as sample_strategy must be random or progressive: current value is backwards',
    });
    assert.deepEqual(mixGrpoWindow(settings, 'verl-omni'), [1, 4]);
  });

  it("refuses numbers that place no window, which compat 'verl-omni' computes with", () => {
    const WHOLE = 'must be a whole number from';
    for (const [wrong, words] of [
      [{ sde_window_size: 0 }, `sde_window_size ${WHOLE} 1, or null: current value is 0`],
      [{ sde_window_size: -1 }, `sde_window_size ${WHOLE} 1, or null: current value is -1`],
      [{ sde_window_size: 1.5 }, `sde_window_size ${WHOLE} 1, or null: current value is 1.5`],
      [{ sde_window_size: NaN }, `sde_window_size ${WHOLE} 1, or null: current value is NaN`],
      [{ sde_window_range: [0.5, 3] }, `sde_window_range[0] ${WHOLE} 0: current value is 0.5`],
      [{ sde_window_range: [-1, 3] }, `sde_window_range[0] ${WHOLE} 0: current value is -1`],
      [{ iters_per_group: NaN }, `iters_per_group ${WHOLE} 1, or null: current value is NaN`],
      [{ global_steps: NaN }, `global_steps ${WHOLE} 0, or null: current value is NaN`],
      [
        { sample_strategy: 'random', sde_window_seed: 0.5 },
        'sde_window_seed must be a whole number, or null: current value is 0.5',
      ],
    ] as [MixGrpoWindowSettings, string][]) {
      const settings: MixGrpoWindowSettings = {
        sample_strategy: 'progressive',
        sde_window_size: 1,
        global_steps: 2,
        ...wrong,
      };
      assert.throws(() => mixGrpoWindow(settings), {
        message: `Cannot place an SDE window as ${words}`,
      });
    }
    const half = { sample_strategy: 'progressive', sde_window_size: 1.5 } as const;
    assert.deepEqual(mixGrpoWindow(half, 'verl-omni'), [0, 1.5]);
  });

  it('refuses a window that does not fit', () => {
    assert.throws(() => mixGrpoWindow({ sample_strategy: 'progressive', sde_window_size: 6 }), {
      message:
        'Cannot place an SDE window as its size must fit its range: current values are size 6 and range [0, 5]',
    });
  });
});

describe('lastWindowStart()', () => {
  it('refuses sizes and ranges that are no whole numbers, or leave no room', () => {
    assert.equal(lastWindowStart({ size: 2, range: [1, 5] }), 3);
    assert.equal(lastWindowStart({ size: 2, range: [1, 5], steps: 3 }), 1);
    for (const [size, range] of [
      [0, [0, 5]],
      [1.5, [0, 5]],
      [NaN, [0, 5]],
      [2, [-1, 5]],
      [2, [0.5, 5]],
      [2, [0, 4.5]],
      [2, [4, 5]],
    ] as const) {
      assert.throws(() => lastWindowStart({ size, range, steps: 9 }), {
        message: `Cannot place an SDE window as its size must fit its range within the 9 steps: current values are size ${size} and range [${range.join(', ')}]`,
      });
    }
  });
});
