import assert from 'node:assert/strict';
import {
  diffusionDPOOptions,
  diffusionNFTOptions,
  flowGRPOOptions,
  loadRunConfig,
} from '@flowbook/sdk';

const prompts = ['a red circle', 'a blue square'];
const ROLLOUT = 'actor_rollout_ref.rollout';

const optionsOf = (overrides: string[]) =>
  flowGRPOOptions(loadRunConfig(null, overrides), { prompts, reward: 'redness' });

describe('options of a run that says what would not be heeded', () => {
  it('refuse sizes of the model that are not those of the rollout', () => {
    for (const key of ['height', 'width', 'max_sequence_length']) {
      assert.throws(() => optionsOf([`actor_rollout_ref.model.pipeline.${key}=64`]), {
        message: `Cannot train by this configuration as actor_rollout_ref.model.pipeline.${key} must be that of actor_rollout_ref.rollout, 512, by which pictures are rolled out: current value is 64`,
      });
    }
  });

  it('refuse settings of held-out pictures that would not be heeded, where there are any', () => {
    const evaluated = (overrides: string[]) =>
      flowGRPOOptions(loadRunConfig(null, ['trainer.test_freq=5', ...overrides]), {
        prompts,
        validationPrompts: prompts,
      }).evaluation;
    for (const [override, rule] of [
      [
        'pipeline.height=64',
        'pipeline.height must be that of actor_rollout_ref.rollout, 512: held-out pictures are made by the pipeline that is trained: current value is 64',
      ],
      [
        'pipeline.max_sequence_length=64',
        'pipeline.max_sequence_length must be that of actor_rollout_ref.rollout, 512: held-out pictures are made by the pipeline that is trained: current value is 64',
      ],
      [
        'algo.noise_level=0.7',
        'algo.noise_level must be 0: held-out pictures are made without noise between their steps: current value is 0.7',
      ],
      [
        'algo.sde_type=cps',
        'algo.sde_type must be left out, or that of actor_rollout_ref.rollout, "sde": held-out pictures are made without noise: current value is "cps"',
      ],
      [
        'algo.sde_window_range=[1,3]',
        'algo.sde_window_range must be left out, or that of actor_rollout_ref.rollout, null: held-out pictures are made without noise: current value is [1,3]',
      ],
    ]) {
      assert.throws(() => evaluated([`${ROLLOUT}.val_kwargs.${override}`]), {
        message: `Cannot train by this configuration as ${ROLLOUT}.val_kwargs.${rule}`,
      });
      optionsOf([`${ROLLOUT}.val_kwargs.${override}`]);
    }
    const same = [`${ROLLOUT}.pipeline.height=64`, `${ROLLOUT}.algo.sde_window_range=[0,3]`];
    assert.equal(evaluated(same)?.numInferenceSteps, 50);
  });

  it('refuse samples and a trainer of another objective', () => {
    for (const [loss, readOptions, reason] of [
      ['flow_grpo', flowGRPOOptions, 'which policy gradients learn from'],
      ['diffusion_nft', diffusionNFTOptions, 'which DiffusionNFT learns from'],
      ['dpo', diffusionDPOOptions, 'as offlineDPOOptions reads given pairs'],
    ] as const) {
      const run = loadRunConfig(null, [
        `actor_rollout_ref.actor.diffusion_loss.loss_mode=${loss}`,
        'algorithm.sample_source=offline',
      ]);
      assert.throws(() => readOptions(run, { prompts }), {
        message: `Cannot train by this configuration as algorithm.sample_source must be online: own rollouts, ${reason}: current value is offline`,
      });
    }
    assert.throws(() => optionsOf(['algorithm.trainer_type=direct_preference']), {
      message:
        'Cannot train by this configuration as algorithm.trainer_type must be policy_gradient for flowGRPOOptions: current value is direct_preference',
    });
  });
});
