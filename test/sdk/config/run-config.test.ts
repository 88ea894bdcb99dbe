import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiffusionModelConfig, loadRunConfig, type RunConfig } from '@flowbook/sdk';
import { flatKeys } from './flat-keys';

const ACTOR = 'actor_rollout_ref.actor';

const valueOf = (run: RunConfig, key: string) => flatKeys(run.toJSON()).get(key);

const refuses = (
  message: string,
  source: Parameters<typeof loadRunConfig>[0],
  overrides: string[] = [],
) => assert.throws(() => loadRunConfig(source, overrides), { message });

describe('loadRunConfig()', () => {
  it("has verl-omni's defaults", () => {
    const { actor_rollout_ref: run, algorithm, trainer, data } = loadRunConfig();
    const { actor, model, rollout } = run;
    assert.deepEqual(
      [model.algorithm, model.lora_rank, model.lora_alpha, model.target_modules],
      ['flow_grpo', 0, 64, 'all-linear'],
    );
    assert.deepEqual([rollout.n, rollout.seed, rollout.rollout_adapter], [1, null, 'default']);
    const { val_kwargs: validation } = rollout;
    assert.deepEqual(
      [validation.n, validation.seed, validation.pipeline.num_inference_steps],
      [1, 42, 50],
    );
    assert.equal(validation.algo.noise_level, 0);
    assert.deepEqual(actor.diffusion_loss, {
      loss_mode: 'flow_grpo',
      clip_ratio: 1e-4,
      adv_clip_max: 5,
      mix_beta: 0.5,
      ref_kl_coef: 0,
      adaptive_weight_min: 1e-5,
      dpo_beta: 2000,
      kl_mask_threshold: 1e-5,
      add_kl_coefficient: true,
    });
    const { lr, betas, weight_decay, clip_grad } = actor.optim;
    assert.deepEqual([lr, betas, weight_decay, clip_grad], [1e-6, [0.9, 0.999], 0.01, 1]);
    assert.deepEqual(
      [actor.ppo_mini_batch_size, actor.ppo_epochs, actor.use_kl_loss, actor.kl_loss_coef],
      [256, 1, false, 0.001],
    );
    assert.deepEqual(
      [algorithm.adv_estimator, algorithm.global_std, algorithm.norm_adv_by_std_in_grpo],
      ['flow_grpo', true, true],
    );
    assert.equal(algorithm.rollout_correction.rollout_is_threshold, 2);
    assert.deepEqual([trainer.total_epochs, data.train_batch_size], [30, 1024]);
    assert.equal(
      valueOf(loadRunConfig(), 'trainer.default_local_dir'),
      'checkpoints/verl_examples/ocr',
    );
  });

  it('lets keys follow others until they are set', () => {
    const run = loadRunConfig(null, [
      'actor_rollout_ref.model.algorithm=dance_grpo',
      'actor_rollout_ref.rollout.pipeline.height=384',
      'actor_rollout_ref.rollout.algo.sde_type=cps',
      'actor_rollout_ref.model.pipeline.guidance_scale=4',
      'algorithm.rollout_correction.rollout_is=token',
      'trainer.project_name=mine',
    ]);
    const { actor, model, rollout } = run.actor_rollout_ref;
    assert.equal(actor.diffusion_loss.loss_mode, 'dance_grpo');
    assert.equal(run.algorithm.adv_estimator, 'dance_grpo');
    assert.equal(valueOf(run, `${ACTOR}.rollout_correction.rollout_is`), 'token');
    assert.deepEqual([model.pipeline.height, rollout.val_kwargs.pipeline.height], [384, 384]);
    assert.deepEqual([model.algo.sde_type, rollout.val_kwargs.algo.sde_type], ['cps', 'cps']);
    assert.deepEqual([model.pipeline.guidance_scale, rollout.pipeline.guidance_scale], [4, null]);
    assert.equal(valueOf(run, 'trainer.default_local_dir'), 'checkpoints/mine/ocr');
  });

  it('reads a file, a text and an object alike, and writes overrides over them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'run-config-'));
    try {
      const text = 'actor_rollout_ref:\n  rollout: {n: 16}\n  actor: {optim: {lr: 1e-5}}\n';
      const file = join(folder, 'run.yaml');
      writeFileSync(file, text);
      const object = { actor_rollout_ref: { rollout: { n: 16 }, actor: { optim: { lr: 1e-5 } } } };
      const runs = [file, text, object].map((source) =>
        loadRunConfig(source, ['actor_rollout_ref.rollout.n=8']),
      );
      for (const run of runs) {
        assert.equal(run.actor_rollout_ref.rollout.n, 8);
        assert.deepEqual(run.toJSON(), runs[0].toJSON());
      }
      assert.equal(runs[0].actor_rollout_ref.actor.optim.lr, 1e-5);
      refuses(
        `Cannot read "${join(folder, 'none.yaml')}": ENOENT: no such file or directory, open '${join(folder, 'none.yaml')}'`,
        join(folder, 'none.yaml'),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("reads YAML by PyYAML's rules: n is a word, on is true, 1e-5 is a number", () => {
    const run = loadRunConfig(
      'actor_rollout_ref: {rollout: {n: 2}, actor: {shuffle: on, optim: {lr: 1e-5}}}',
    );
    assert.equal(run.actor_rollout_ref.rollout.n, 2);
    assert.equal(run.actor_rollout_ref.actor.shuffle, true);
    assert.equal(run.actor_rollout_ref.actor.optim.lr, 1e-5);
  });

  it('survives being printed and read again, as YAML and as JSON', () => {
    const run = loadRunConfig(null, ["trainer.project_name='yes: 1e-5 #'", 'data.seed=null']);
    assert.deepEqual(loadRunConfig(run.toYaml()).toJSON(), run.toJSON());
    assert.deepEqual(loadRunConfig(JSON.parse(JSON.stringify(run))).toJSON(), run.toJSON());
  });

  it('merges dicts, replaces lists, adds to open sections and removes', () => {
    const run = loadRunConfig(null, [
      'actor_rollout_ref.rollout.pipeline={height: 64, width: 96}',
      'actor_rollout_ref.model.target_modules=[to_q]',
      '+reward.reward_functions.a={name: redness, weight: 2}',
      '+reward.reward_functions.b.name=jpeg',
      '~reward.reward_functions.b',
      '+actor_rollout_ref.rollout.engine_kwargs.vllm_omni.max_num_seqs=4',
    ]);
    const { rollout, model } = run.actor_rollout_ref;
    assert.deepEqual(
      [rollout.pipeline.height, rollout.pipeline.width, rollout.pipeline.num_inference_steps],
      [64, 96, 10],
    );
    assert.deepEqual(model.target_modules, ['to_q']);
    assert.deepEqual(run.reward.reward_functions, {
      a: { path: null, name: 'redness', weight: 2, required: false },
    });
  });

  it('lists what is accepted without effect, and what of it was given', () => {
    const run = loadRunConfig(
      {
        actor_rollout_ref: { actor: { _target_: 'verl_omni.Actor' } },
        trainer: { nnodes: 1 },
      },
      ['+actor_rollout_ref.rollout.engine_kwargs.vllm_omni.max_num_seqs=4'],
    );
    const given = run.withoutEffect.filter((one) => one.given);
    assert.deepEqual(given, [
      {
        key: 'actor_rollout_ref.rollout.engine_kwargs.vllm_omni.max_num_seqs',
        value: 4,
        given: true,
      },
      { key: 'trainer.nnodes', value: 1, given: true },
      { key: 'actor_rollout_ref.actor._target_', value: 'verl_omni.Actor', given: true },
    ]);
    const names = run.withoutEffect.map(({ key }) => key);
    assert.ok(names.includes('actor_rollout_ref.actor.fsdp_config.param_offload'));
    assert.ok(!names.includes('actor_rollout_ref.actor.optim.lr'));
  });

  it('takes the keys of the engine that is chosen, and refuses those of the other', () => {
    const choice = 'diffusion/model_engine=veomni_diffusion';
    loadRunConfig(null, [choice, `${ACTOR}.veomni_config.param_offload=true`]);
    refuses(
      `Cannot read the configuration as there is no key "${ACTOR}.fsdp_config": the nearest is "${ACTOR}.veomni_config" (override "${ACTOR}.fsdp_config.param_offload=true")`,
      null,
      [choice, `${ACTOR}.fsdp_config.param_offload=true`],
    );
    refuses(
      'Cannot read override "diffusion/model_engine=ray" as a choice must be diffusion/model_engine=dp_diffusion or diffusion/model_engine=veomni_diffusion',
      null,
      ['diffusion/model_engine=ray'],
    );
  });

  it('names the nearest key for one that it does not know', () => {
    refuses(
      `Cannot read the configuration as there is no key "${ACTOR}.optim.weight_deacy": the nearest is "${ACTOR}.optim.weight_decay" (override "${ACTOR}.optim.weight_deacy=1")`,
      null,
      [`${ACTOR}.optim.weight_deacy=1`],
    );
    refuses(
      `Cannot read the configuration as there is no key "${ACTOR}.ppo_minibatch_size": the nearest is "${ACTOR}.ppo_mini_batch_size" (the text)`,
      'actor_rollout_ref: {actor: {ppo_minibatch_size: 4}}',
    );
    refuses(
      'Cannot read the configuration as there is no key "actor_rollout_ref.rollout.noise_level": the nearest is "actor_rollout_ref.rollout.algo.noise_level" (the object)',
      { actor_rollout_ref: { rollout: { noise_level: 1 } } },
    );
    refuses(
      `Cannot read the configuration as there is no key "${ACTOR}.fsdp_config.param_ofload": the nearest is "${ACTOR}.fsdp_config.param_offload"; "+${ACTOR}.fsdp_config.param_ofload=" adds it (override "${ACTOR}.fsdp_config.param_ofload=true")`,
      null,
      [`${ACTOR}.fsdp_config.param_ofload=true`],
    );
  });

  it('refuses to add a key that has a value, and to remove one that is not there', () => {
    refuses(
      'Cannot read the configuration as trainer.nnodes has a value already: leave out "+", or write "++" to set it either way (override "+trainer.nnodes=2")',
      null,
      ['+trainer.nnodes=2'],
    );
    refuses(
      'Cannot read the configuration as there is no key "trainer.nodes": the nearest is "trainer.nnodes" (override "~trainer.nodes")',
      null,
      ['~trainer.nodes'],
    );
    loadRunConfig(null, ['+trainer.rollout_data_dir=out', '++trainer.nnodes=2']);
  });

  it('refuses a value that breaks its rule', () => {
    for (const [override, message] of [
      ['algorithm.timestep_fraction=0', /timestep_fraction breaks a rule .*current value is 0$/],
      ['algorithm.adv_mode=bogus', /adv_mode breaks a rule .*current value is "bogus"$/],
      ['algorithm.old_policy_decay=1.1', /old_policy_decay breaks a rule .*is 1\.1$/],
      [`${ACTOR}.diffusion_loss.adv_clip_max=0`, /adv_clip_max breaks a rule .*is 0$/],
      [`${ACTOR}.optim.lr=fast`, /optim\.lr breaks a rule .*current value is "fast"$/],
      ['actor_rollout_ref.rollout.mode=sync', /rollout\.mode breaks a rule .*is "sync"$/],
      ['actor_rollout_ref.rollout.algo.iters_per_group=0', /iters_per_group breaks a rule/],
      ['actor_rollout_ref.rollout.algo.sde_window_range=[0]', /sde_window_range/],
    ] as const) {
      assert.throws(() => loadRunConfig(null, [override]), { message });
    }
  });

  it('refuses mix_grpo until its loss and its advantages are those of flow_grpo', () => {
    const mix = 'actor_rollout_ref.model.algorithm=mix_grpo';
    const loss = `${ACTOR}.diffusion_loss.loss_mode=flow_grpo`;
    refuses(
      `Cannot read the configuration as ${ACTOR}.diffusion_loss.loss_mode must be one of flow_grpo, flow_dppo, grpo_guard, diffusion_nft, dpo, dance_grpo, distill_kl, distill_fm_mse (it follows actor_rollout_ref.model.algorithm unless it is set; mix_grpo is trained by flow_grpo): current value is "mix_grpo"`,
      null,
      [mix],
    );
    refuses(
      'Cannot read the configuration as algorithm.adv_estimator must be one of flow_grpo, dance_grpo for a policy gradient (it follows actor_rollout_ref.model.algorithm unless it is set): current value is "mix_grpo"',
      null,
      [mix, loss],
    );
    loadRunConfig(null, [mix, loss, 'algorithm.adv_estimator=flow_grpo']);
  });

  it('takes a loss and an estimator that were registered here', () => {
    const own = [`${ACTOR}.diffusion_loss.loss_mode=mine`, 'algorithm.adv_estimator=ranks'];
    const run = loadRunConfig(null, own, { lossModes: ['mine'], advantageEstimators: ['ranks'] });
    assert.equal(run.algorithm.adv_estimator, 'ranks');
  });

  it('refuses distillation without a teacher, and a teacher without distillation', () => {
    const distills = `${ACTOR}.use_distill_loss=true`;
    for (const [overrides, rule] of [
      [[distills], /a distillation loss needs a teacher/],
      [[`${ACTOR}.diffusion_loss.loss_mode=distill_fm_mse`], /a distillation loss needs a teacher/],
      [['distillation.enabled=true'], /distillation\.enabled needs a loss that learns/],
      [['distillation.enabled=true', distills], /model_path must name the teacher/],
    ] as const) {
      assert.throws(() => loadRunConfig(null, overrides), { message: rule });
    }
    for (const lossMode of ['distill_kl', 'distill_fm_mse']) {
      loadRunConfig(null, [
        `${ACTOR}.diffusion_loss.loss_mode=${lossMode}`,
        'distillation.enabled=true',
        'distillation.teacher_models.teacher_model.model_path=teacher',
      ]);
    }
  });

  it('refuses an interpolation that leads nowhere or to itself', () => {
    refuses(
      'Cannot read the configuration as trainer.project_name refers to another key and there is no key "trainer.nothing": current value is ${trainer.nothing}',
      null,
      ['trainer.project_name=${trainer.nothing}'],
    );
    assert.throws(
      () => loadRunConfig(null, ['trainer.project_name=${trainer.project_name}']),
      /it refers to itself/,
    );
    const run = loadRunConfig(null, [
      'trainer.project_name=n-${actor_rollout_ref.rollout.n}',
      'trainer.experiment_name=${.project_name}',
      'data.prompt_key=${oc.select:nowhere.at_all,text}',
    ]);
    assert.equal(valueOf(run, 'trainer.experiment_name'), 'n-1');
    assert.equal(valueOf(run, 'data.prompt_key'), 'text');
  });

  it('refuses YAML that is ambiguous, unsafe or too large to follow', () => {
    for (const [text, message] of [
      ['trainer: {}\ntrainer: {}', /^Cannot read the text as YAML: Map keys must be unique/],
      ['trainer: !!python/object:os.system x', /Unresolved tag/],
      ['trainer: *other', /Unresolved alias/],
      ['- trainer', /must be a mapping of keys: current value is \["trainer"\]/],
      ['trainer: [', /^Cannot read the text as YAML: /],
      [`trainer: ${'['.repeat(50_000)}`, /^Cannot read the text as YAML: /],
      [
        `a: &a [x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e'].map((key, k) => `${key}: &${key} [${`*${'abcd'[k]},`.repeat(8)}]`).join('\n')}`,
        /Excessive alias count/,
      ],
      ['__proto__: {polluted: 1}', /there is no key "__proto__"/],
    ] as const) {
      assert.throws(() => loadRunConfig(text), { message });
    }
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
});

describe('DiffusionModelConfig.fromRun()', () => {
  const run = loadRunConfig(null, [
    '+actor_rollout_ref.model.architecture=QwenImagePipeline',
    'actor_rollout_ref.rollout.pipeline.height=64',
    'actor_rollout_ref.rollout.algo.noise_level=0.7',
    'actor_rollout_ref.model.pipeline.true_cfg_scale=2',
  ]);

  it("takes the model's settings, the rollout's or those of validation", () => {
    const settings = (['training', 'rollout', 'validation'] as const).map((purpose) => {
      const { pipeline, algo } = DiffusionModelConfig.fromRun(run, purpose);
      return [
        pipeline.height,
        pipeline.true_cfg_scale,
        pipeline.num_inference_steps,
        algo.noise_level,
      ];
    });
    assert.deepEqual(settings, [
      [64, 2, 10, 0.7],
      [64, 1, 10, 0.7],
      [64, 1, 50, 0],
    ]);
    assert.equal(DiffusionModelConfig.from(run).pipeline.true_cfg_scale, 2);
  });
});
