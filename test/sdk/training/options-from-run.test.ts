import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DiffusionModelConfig,
  diffusionDPOOptions,
  diffusionNFTOptions,
  flowGRPOOptions,
  loadPipeline,
  loadRunConfig,
  offlineDPOOptions,
  pixelImage,
  trainFlowGRPO,
  type RunConfig,
} from '@flowbook/sdk';
import { flatKeys } from '../config/flat-keys';

const prompts = ['a red circle', 'a blue square', 'a green star', 'a white cross', 'a hat'];
const picture = pixelImage(8, 8, new Uint8Array(8 * 8 * 3));
const pairs = Array.from({ length: 8 }, () => ({
  prompt: 'a red circle',
  chosen: picture,
  rejected: picture,
}));
const ACTOR = 'actor_rollout_ref.actor';
const LOSS = `${ACTOR}.diffusion_loss.loss_mode`;
const ROLLOUT = 'actor_rollout_ref.rollout';

const optionsOf = (overrides: string[]) =>
  flowGRPOOptions(loadRunConfig(null, overrides), { prompts, reward: 'redness' });

/** Every option that any objective reads from a run, and what adapters and pipelines read; or why one refuses. */
function readings(run: RunConfig): unknown[] {
  const materials = { prompts, validationPrompts: prompts };
  const readers: (() => unknown)[] = [
    () => flowGRPOOptions(run, materials),
    () => diffusionNFTOptions(run, materials),
    () => diffusionDPOOptions(run, materials),
    () => offlineDPOOptions(run, pairs),
    () => DiffusionModelConfig.fromRun(run, 'training'),
    () => DiffusionModelConfig.fromRun(run, 'rollout'),
    () => DiffusionModelConfig.fromRun(run, 'validation'),
  ];
  return readers.map((read) => {
    try {
      const result = read() as object;
      return { ...JSON.parse(JSON.stringify(result)), configuration: null };
    } catch (error) {
      return (error as Error).message;
    }
  });
}

/** Runs in which the keys of every objective count. */
const BASES = [
  ['data.train_batch_size=2', 'trainer.test_freq=5', `${ACTOR}.use_kl_loss=true`],
  ['data.train_batch_size=2', 'trainer.test_freq=5', 'actor_rollout_ref.model.lora_rank=4'],
  [
    'data.train_batch_size=2',
    'actor_rollout_ref.model.algorithm=mix_grpo',
    `${LOSS}=flow_grpo`,
    'algorithm.adv_estimator=flow_grpo',
    `${ROLLOUT}.algo.sde_window_size=2`,
    'trainer.total_training_steps=200',
  ],
  [
    'data.train_batch_size=2',
    `${ACTOR}.use_distill_loss=true`,
    'distillation.enabled=true',
    'distillation.teacher_models.teacher_model.model_path=teacher',
    'algorithm.rollout_correction.rollout_is=token',
    '+reward.reward_functions.a.name=redness',
  ],
  ['data.train_batch_size=2', `${LOSS}=diffusion_nft`, `${ROLLOUT}.rollout_adapter=old`],
  ['data.train_batch_size=2', `${LOSS}=dpo`, 'trainer.save_freq=5'],
  [
    'data.train_batch_size=2',
    `${LOSS}=dpo`,
    'algorithm.sample_source=offline',
    'trainer.resume_mode=resume_path',
    'trainer.resume_from_path=a/run',
  ],
].map((overrides) => ['+actor_rollout_ref.model.architecture=QwenImagePipeline', ...overrides]);

/** Other values of keys whose default is no number or switch. */
const OTHERS: Record<string, string> = {
  'actor_rollout_ref.model.path': 'a/model',
  'actor_rollout_ref.model.architecture': 'StableDiffusion3Pipeline',
  'actor_rollout_ref.model.algorithm': 'dance_grpo',
  'actor_rollout_ref.model.target_modules': '[to_q]',
  'actor_rollout_ref.model.enable_gradient_checkpointing': 'true',
  'algorithm.adv_estimator': 'dance_grpo',
  'algorithm.adv_mode': 'binary',
  'algorithm.old_policy_decay_schedule': 'linear_to_0_5',
  'algorithm.old_policy_decay': '0.5',
  'algorithm.sample_source': 'offline',
  'algorithm.rollout_correction.rollout_is': 'sequence',
  'algorithm.rollout_correction.rollout_rs': 'seq_mean_k1',
  'algorithm.rollout_correction.rollout_rs_threshold': '0.5_2',
  [LOSS]: 'grpo_guard',
  [`${ACTOR}.optim.betas`]: '[0.5,0.6]',
  [`${ACTOR}.optim.lr_scheduler_type`]: 'cosine',
  [`${ACTOR}.optim.lr_warmup_steps_ratio`]: '0.25',
  [`${ACTOR}.optim.lr_warmup_steps`]: '3',
  [`${ACTOR}.optim.min_lr_ratio`]: '0.5',
  [`${ACTOR}.distill_loss_mode`]: 'distill_fm_mse',
  [`${ACTOR}.ppo_micro_batch_size_per_gpu`]: '4',
  [`${ROLLOUT}.seed`]: '7',
  'reward.custom_reward_function.name': 'redness',
  'reward.reward_functions': '{b: {name: jpeg}}',
  'trainer.total_training_steps': '100',
  'trainer.default_local_dir': 'a/folder',
  'trainer.project_name': 'a-project',
  'trainer.experiment_name': 'an-experiment',
  'trainer.resume_mode': 'disable',
  'trainer.resume_from_path': 'another/run',
  ...Object.fromEntries(
    ['model', 'rollout', 'rollout.val_kwargs'].flatMap((section) =>
      [
        ['pipeline.guidance_scale', '3'],
        ['algo.sde_type', 'cps'],
        ['algo.sde_window_size', '3'],
        ['algo.sde_window_range', '[1,4]'],
        ['algo.sample_strategy', 'progressive'],
      ].map(([key, value]) => [`actor_rollout_ref.${section}.${key}`, value]),
    ),
  ),
};

/** Keys that only rules read: a run that breaks one is refused. */
const RULES_ALONE = [
  'actor_rollout_ref.model.policy_state_adapters',
  `${ROLLOUT}.rollout_adapter`,
  `${ROLLOUT}.mode`,
  'algorithm.trainer_type',
  'algorithm.rollout_correction.loss_type',
  'reward.aggregation',
  'distillation.enabled',
  'distillation.teacher_models.teacher_model.model_path',
];

function otherValue(key: string, value: unknown): string {
  if (key in OTHERS) return OTHERS[key];
  if (typeof value === 'boolean') return String(!value);
  if (typeof value !== 'number') throw new Error(`no other value for ${key}`);
  return String(Number.isInteger(value) ? value + 1 : value / 2);
}

/** Whether another value of a key changes what any objective reads. */
function hasEffect(key: string, value: unknown): boolean {
  const override = `++${key}=${otherValue(key, value)}`;
  return BASES.some((base) => {
    const before = readings(loadRunConfig(null, base));
    try {
      assert.deepEqual(readings(loadRunConfig(null, [...base, override])), before);
    } catch {
      return true;
    }
    return false;
  });
}

describe('flowGRPOOptions()', () => {
  it('are those of the run', () => {
    const options = optionsOf([
      `${ROLLOUT}.n=8`,
      `${ROLLOUT}.seed=5`,
      `${ROLLOUT}.algo.noise_level=1.2`,
      `${ROLLOUT}.algo.sde_window_size=2`,
      `${ROLLOUT}.pipeline.true_cfg_scale=4`,
      `${ACTOR}.optim.lr=3e-4`,
      `${ACTOR}.optim.lr_warmup_steps_ratio=0.1`,
      `${ACTOR}.ppo_mini_batch_size=2`,
      `${ACTOR}.ppo_micro_batch_size_per_gpu=4`,
      `${LOSS}=grpo_guard`,
      `${ACTOR}.diffusion_loss.clip_ratio=2e-6`,
      'actor_rollout_ref.model.lora_rank=64',
      'data.train_batch_size=4',
      'trainer.total_training_steps=300',
    ]);
    const { learningRate, warmupSteps, steps, groupSize, promptsPerStep, seed } = options;
    assert.deepEqual(
      [learningRate, warmupSteps, steps, groupSize, promptsPerStep, seed],
      [3e-4, 30, 300, 8, 4, 5],
    );
    assert.deepEqual([options.miniBatchSize, options.microBatchSize], [16, 4]);
    assert.deepEqual([options.lossMode, options.clipRatio], ['grpo_guard', 2e-6]);
    assert.deepEqual(options.lora, { rank: 64, alpha: 64, targetModules: 'all-linear' });
    assert.deepEqual([options.sdeWindowSize, options.sdeWindowRange], [2, [0, 5]]);
    assert.deepEqual([options.noiseLevel, options.trueCfgScale], [1.2, 4]);
    assert.equal(options.sameInitialNoise, false);
    assert.equal(options.rolloutCorrection, null);
  });

  it('count passes over whole batches of the prompts', () => {
    assert.equal(optionsOf(['data.train_batch_size=2', 'trainer.total_epochs=3']).steps, 6);
  });

  it('put noise into all steps but the last without a window size', () => {
    const { sdeWindowSize, sdeWindowRange } = optionsOf([
      `${ROLLOUT}.pipeline.num_inference_steps=6`,
    ]);
    assert.deepEqual([sdeWindowSize, sdeWindowRange], [5, [0, 5]]);
  });

  it('hold the configuration for run.json, with what has no effect of what was given', () => {
    const run = loadRunConfig(null, ['trainer.nnodes=4']);
    const { configuration } = flowGRPOOptions(run, { prompts });
    assert.deepEqual(JSON.parse(JSON.stringify(configuration)), {
      run: run.toJSON(),
      withoutEffect: [{ key: 'trainer.nnodes', value: 4, given: true }],
    });
  });

  it('take the rewards of the run by their names', () => {
    const run = loadRunConfig(null, [
      '+reward.reward_functions.red={name: redness, weight: 0.5}',
      '+reward.reward_functions.small={name: jpeg, required: true}',
    ]);
    assert.deepEqual(flowGRPOOptions(run, { prompts }).reward, {
      red: { reward: 'redness', weight: 0.5, required: false },
      small: { reward: 'jpeg', weight: 1, required: true },
    });
  });

  it("ask a server for the rewards that verl-omni's HTTP scorer would give", () => {
    const run = loadRunConfig(null, [
      '+reward.reward_functions.ocr.path=pkg://verl_omni.utils.reward_score.http_scorer_client',
      '+reward.reward_functions.ocr.name=compute_score',
      '+reward.reward_functions.ocr.weight=0.5',
      '+reward.reward_functions.ocr.required=true',
      "+reward.reward_functions.ocr.server_url='http://127.0.0.1:19082'",
      '+reward.reward_functions.ocr.max_retries=4',
      '+reward.reward_functions.ocr.retry_backoff=0.25',
    ]);
    assert.deepEqual(flowGRPOOptions(run, { prompts }).reward, {
      ocr: {
        url: 'http://127.0.0.1:19082',
        text: 'ground_truth',
        retries: 4,
        backoffMs: 250,
        picturesPerRequest: 1,
        weight: 0.5,
        required: true,
      },
    });
    const cached = loadRunConfig(null, [
      '+reward.reward_functions.a={name: a, cache: true}',
      '+reward.reward_functions.b={name: b, cache: {version: 3, most_ratings: 50, folder: ratings}}',
    ]);
    assert.deepEqual(flowGRPOOptions(cached, { prompts }).reward, {
      a: { reward: 'a', weight: 1, required: false, cache: true },
      b: {
        ...{ reward: 'b', weight: 1, required: false },
        cache: { version: '3', mostRatings: 50, folder: 'ratings' },
      },
    });
    const wrong = loadRunConfig(null, ['+reward.reward_functions.a={name: a, server_url: ocr}']);
    assert.throws(() => flowGRPOOptions(wrong, { prompts }), {
      message: 'Cannot ask a server for rewards as server_url must be a URL: current value is ocr',
    });
  });

  it('refuse settings of the model by which its rollouts could not be replayed', () => {
    assert.throws(() => optionsOf(['actor_rollout_ref.model.pipeline.guidance_scale=4']), {
      message:
        'Cannot train by this configuration as actor_rollout_ref.model.pipeline.guidance_scale must be that of actor_rollout_ref.rollout, null, by which pictures are rolled out: current value is 4',
    });
  });

  it('keep a run where save_freq asks for checkpoints, and go on from them', () => {
    const silent = optionsOf([]);
    assert.deepEqual(
      [silent.checkpointEverySteps, silent.runDirectory, silent.resume],
      [null, undefined, 'auto'],
    );
    const kept = optionsOf(['trainer.save_freq=20', 'trainer.experiment_name=mine']);
    assert.deepEqual(
      [kept.checkpointEverySteps, kept.runDirectory],
      [20, 'checkpoints/verl_examples/mine'],
    );
    const elsewhere = ['trainer.resume_mode=resume_path'];
    assert.throws(() => optionsOf(elsewhere), {
      message:
        'Cannot train by this configuration as trainer.resume_from_path must be a path, as resume_mode is resume_path: current value is null',
    });
    assert.equal(optionsOf([...elsewhere, 'trainer.resume_from_path=a/run']).resume, 'a/run');
  });

  it('train, and leave the configuration in run.json', async () => {
    const run = loadRunConfig(null, [
      `actor_rollout_ref.model.path='${join(__dirname, '../../golden/models/tiny-qwen-image')}'`,
      `${ROLLOUT}.pipeline={height: 32, width: 32, num_inference_steps: 3}`,
      `${ROLLOUT}.n=2`,
      `${ROLLOUT}.algo.sde_window_size=1`,
      `${ROLLOUT}.algo.sde_window_range=[0,2]`,
      `${ACTOR}.diffusion_loss.clip_ratio=0.1`,
      'data.train_batch_size=1',
      'trainer.total_training_steps=1',
    ]);
    const runDirectory = mkdtempSync(join(tmpdir(), 'run-'));
    const pipeline = await loadPipeline(run.actor_rollout_ref.model.path as string, {
      ...DiffusionModelConfig.fromRun(run, 'rollout'),
    });
    try {
      const options = flowGRPOOptions(run, { prompts, reward: 'redness' });
      const { log } = await trainFlowGRPO(pipeline, { ...options, compile: false, runDirectory });
      assert.equal(log.length, 1);
      const { configuration } = JSON.parse(readFileSync(join(runDirectory, 'run.json'), 'utf8'));
      assert.deepEqual(loadRunConfig(configuration.run).toJSON(), run.toJSON());
    } finally {
      pipeline.dispose();
      rmSync(runDirectory, { recursive: true });
    }
  });

  it('refuse what is not offered, by its key', () => {
    const linear = [
      'diffusion/model_engine=veomni_diffusion',
      `${ACTOR}.optim.lr_scheduler_type=linear`,
    ];
    assert.throws(() => optionsOf(linear), {
      message: `Cannot train by this configuration as ${ACTOR}.optim.lr_scheduler_type must be constant or cosine: current value is linear`,
    });
    assert.throws(() => optionsOf([`${LOSS}=dpo`]), {
      message: `Cannot train by this configuration as ${LOSS} must be a policy gradient for flowGRPOOptions (diffusionNFTOptions and diffusionDPOOptions read the others): current value is dpo`,
    });
  });
});

describe('diffusionNFTOptions(), diffusionDPOOptions() and offlineDPOOptions()', () => {
  it('are those of the run', () => {
    const nft = diffusionNFTOptions(
      loadRunConfig(null, [
        `${LOSS}=diffusion_nft`,
        `${ACTOR}.diffusion_loss.mix_beta=0.1`,
        'algorithm.old_policy_decay_schedule=delayed_linear_to_0_999',
        'algorithm.old_policy_update_interval=2',
      ]),
      { prompts },
    );
    assert.deepEqual(
      [nft.mixBeta, nft.oldPolicySchedule, nft.oldPolicyUpdateInterval],
      [0.1, 'delayed_linear_to_0_999', 2],
    );
    const dpo = [`${LOSS}=dpo`, `${ACTOR}.diffusion_loss.dpo_beta=100`, 'data.train_batch_size=2'];
    assert.equal(diffusionDPOOptions(loadRunConfig(null, dpo), { prompts }).dpoBeta, 100);
    const offline = loadRunConfig(null, [
      ...dpo,
      'algorithm.sample_source=offline',
      'actor_rollout_ref.model.pipeline.guidance_scale=4',
    ]);
    const { dpoBeta, pairsPerStep, steps, guidanceScale } = offlineDPOOptions(offline, pairs);
    assert.deepEqual([dpoBeta, pairsPerStep, steps, guidanceScale], [100, 2, 120, 4]);
  });

  it('refuse a run whose samples come from elsewhere', () => {
    const run = loadRunConfig(null, [`${LOSS}=dpo`]);
    assert.throws(() => offlineDPOOptions(run, pairs), {
      message:
        'Cannot train by this configuration as algorithm.sample_source must be offline (diffusionDPOOptions reads the other): current value is online',
    });
  });
});

describe('a key of a run', () => {
  const run = loadRunConfig();
  const isSilent = (name: string) =>
    run.withoutEffect.some(({ key }) => name === key || name.startsWith(`${key}.`));
  const effective = [...flatKeys(run.toJSON())].filter(([key]) => !isSilent(key));

  it('that has an effect is read by an objective, an adapter or a pipeline', () => {
    const unread = effective.filter(
      ([key, value]) => !RULES_ALONE.includes(key) && !hasEffect(key, value),
    );
    assert.deepEqual(
      unread.map(([key]) => key),
      [],
    );
  }).timeout(240_000);

  it('that has none is read by nothing', () => {
    const marked = { ...run.toJSON() };
    const before = readings(run);
    assert.deepEqual(
      readings(
        loadRunConfig(
          marked,
          run.withoutEffect
            .filter(({ value }) => value === null || typeof value !== 'object')
            .map(({ key }) => `++${key}=another`),
        ),
      ),
      before,
    );
  });
});
