import assert from 'node:assert/strict';
import { mixGrpoWindow, type MixGrpoWindowSettings } from '../../../sdk/src/schedulers';

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

  it('refuses a window that does not fit', () => {
    assert.throws(() => mixGrpoWindow({ sample_strategy: 'progressive', sde_window_size: 6 }), {
      message:
        'Cannot place an SDE window as its size must fit sde_window_range: current values are size 6 and range [0, 5]',
    });
  });
});
