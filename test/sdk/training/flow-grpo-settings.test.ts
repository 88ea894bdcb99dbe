import assert from 'node:assert/strict';
import type { FlowGRPOOptions, ModelMixin } from '@flowbook/sdk';
import { flowGRPOSettings } from '../../../sdk/src/training/flow-grpo-settings';

const settingsOf = (options: Partial<FlowGRPOOptions>, algorithm?: string) =>
  flowGRPOSettings({ prompts: ['a fox'], reward: 'redness', ...options }, { algorithm });

describe('flowGRPOSettings()', () => {
  it("take the loss of the pipeline's algorithm where there is a policy loss of that name, unless they are told", () => {
    const lossModes = ['grpo_guard', 'flow_dppo', 'dance_grpo', 'flow_grpo'];
    for (const name of lossModes) assert.equal(settingsOf({}, name).lossMode, name);
    for (const other of ['mix_grpo', 'diffusion_nft', 'dpo', 'own', 'kl', undefined]) {
      assert.equal(settingsOf({}, other).lossMode, 'flow_grpo');
    }
    assert.equal(settingsOf({ lossMode: 'flow_grpo' }, 'grpo_guard').lossMode, 'flow_grpo');
    assert.throws(
      () => settingsOf({ rolloutCorrection: { bypass_mode: true } }, 'grpo_guard'),
      /^Error: Cannot use rollout_correction\.bypass_mode with loss "grpo_guard" /,
    );
  });

  it('refuse a distance to a teacher without one, and do not add it a second time', () => {
    const teacher = {} as ModelMixin;
    for (const lossMode of ['distill_kl', 'distill_fm_mse']) {
      assert.throws(() => settingsOf({ lossMode }), {
        message: `Cannot train as teacher must be a model for lossMode "${lossMode}": current value is null`,
      });
      assert.equal(settingsOf({ lossMode, teacher }).distillLossCoef, 0);
      assert.equal(settingsOf({ lossMode, teacher, distillLossCoef: 2 }).distillLossCoef, 2);
    }
    assert.equal(settingsOf({ teacher }).distillLossCoef, 1);
  });
});
