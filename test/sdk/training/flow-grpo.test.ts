import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FlowGRPOTrainer,
  RandomKey,
  groupAdvantages,
  loadPipeline,
  policyGradients,
  rolloutGroups,
  tf,
  trainFlowGRPO,
  buildScheduler,
  type FlowGRPOOptions,
  type LogLine,
  type PromptRecord,
  type RolloutGroupsOptions,
  type RolloutPipeline,
  type StepReport,
} from '@flowbook/sdk';
import { textOnStderr } from '../io/hub/text-on-stderr';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

const SMALL = {
  prompts: ['a red fox', 'two cats', 'a blue house', 'a tree'],
  reward: 'redness',
  promptsPerStep: 2,
  groupSize: 4,
  steps: 2,
  compile: false,
  microBatchSize: 4,
  sdeWindowRange: [0, 3],
} satisfies FlowGRPOOptions;

describe('trainFlowGRPO()', () => {
  let pipeline: RolloutPipeline;

  beforeEach(async () => {
    pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
  });

  afterEach(() => pipeline.dispose());

  function weights(): number[] {
    const { parameters } = pipeline.transformer;
    return [...parameters.values()].flatMap((one) => Array.from(one.dataSync().slice(0, 4)));
  }

  it('has ratio 1 and no clipping before the first update', async () => {
    const reports: StepReport[] = [];
    await trainFlowGRPO(pipeline, { ...SMALL, onStep: (report) => void reports.push(report) });
    for (const { ratioMean, replayGap, clipFraction, approxKl } of reports) {
      assert.deepEqual([ratioMean, replayGap, clipFraction, approxKl], [1, 0, 0, 0]);
    }
  });

  it('repeats itself to the last bit for the same seed, and not for another', async () => {
    const first = await trainFlowGRPO(pipeline, SMALL);
    const afterFirst = weights();
    const again = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const second = await trainFlowGRPO(again, SMALL);
    const other = await trainFlowGRPO(again, { ...SMALL, seed: 1 });
    pipeline.dispose();
    pipeline = again;
    assert.deepEqual(
      first.log.map(({ reward, gradNorm }) => [reward, gradNorm]),
      second.log.map(({ reward, gradNorm }) => [reward, gradNorm]),
    );
    assert.notEqual(first.log[0].reward, other.log[0].reward);
    assert.notDeepEqual(afterFirst, weights());
  });

  it('leaves as many tensors as it found', async () => {
    const counts: number[] = [];
    const before = tf.memory().numTensors;
    await trainFlowGRPO(pipeline, {
      ...SMALL,
      prompts: SMALL.prompts.slice(0, 2),
      steps: 3,
      onStep: () => void counts.push(tf.memory().numTensors),
    });
    assert.equal(new Set(counts).size, 1, String(counts));
    assert.equal(tf.memory().numTensors, before);
  });

  it('raises a reward that is easy to learn', async () => {
    const { log } = await trainFlowGRPO(pipeline, {
      ...SMALL,
      prompts: ['a red fox'],
      promptsPerStep: 1,
      groupSize: 16,
      microBatchSize: 16,
      steps: 12,
      learningRate: 2e-3,
      warmupSteps: 1,
      sdeWindowRange: [0, 2],
    });
    const mean = (lines: typeof log) => lines.reduce((sum, { reward }) => sum + reward, 0) / 4;
    assert.ok(mean(log.slice(-4)) > mean(log.slice(0, 4)) + 0.01, JSON.stringify(log));
  });

  it('trains adapters alone when asked to', async () => {
    const before = weights();
    await trainFlowGRPO(pipeline, { ...SMALL, lora: { rank: 2, targetModules: ['to_q'] } });
    assert.deepEqual(weights(), before);
    const moved = [...pipeline.transformer.trainableVariables()].filter(
      ([name, variable]) => name.includes('lora_B') && tf.max(tf.abs(variable)).dataSync()[0] > 0,
    );
    assert.ok(moved.length > 0);
  });

  it('stops between updates when the signal is aborted, and keeps what it has', async () => {
    const controller = new AbortController();
    const before = tf.memory().numTensors;
    const { stopped, steps, log } = await trainFlowGRPO(pipeline, {
      ...SMALL,
      steps: 9,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 2) controller.abort();
      },
    });
    assert.deepEqual([stopped, steps, log.length], ['aborted', 2, 2]);
    assert.equal(tf.memory().numTensors, before);
  });

  it('stops in the middle of a step when the signal is aborted there', async () => {
    const controller = new AbortController();
    const before = weights();
    const { stopped, steps } = await trainFlowGRPO(pipeline, {
      ...SMALL,
      signal: controller.signal,
      reward: async (images) => {
        controller.abort();
        return images.map(() => 0);
      },
    });
    assert.deepEqual([stopped, steps], ['aborted', 0]);
    assert.deepEqual(weights(), before);
  });

  it("stops at the running cell's signal by default", async () => {
    const controller = new AbortController();
    controller.abort();
    const cell = Symbol.for('flowbook.cell');
    const scope = globalThis as Record<symbol, unknown>;
    scope[cell] = { signal: controller.signal };
    try {
      assert.equal((await trainFlowGRPO(pipeline, SMALL)).stopped, 'aborted');
    } finally {
      delete scope[cell];
    }
  });

  it('writes a line a step to log.jsonl', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'flowbook-'));
    try {
      const { logPath, log } = await trainFlowGRPO(pipeline, {
        ...SMALL,
        runDirectory: directory,
        monitors: { size: 'jpeg_compressibility' },
      });
      assert.equal(logPath, join(directory, 'log.jsonl'));
      const lines = readFileSync(logPath, 'utf8').trim().split('\n');
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        log,
      );
      const [first] = log;
      assert.deepEqual(Object.keys(first).slice(0, 5), [
        'step',
        'seconds',
        'reward',
        'rewardStd',
        'size',
      ]);
      assert.equal(first.step, 1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('goes on without a monitor that fails, and says so once', async () => {
    const broken = Object.assign(async () => [NaN], {
      takeMetrics: () => {
        throw new Error('nothing counted');
      },
    });
    const monitors = { broken, size: 'jpeg_compressibility' };
    let log: LogLine[] = [];
    const said = await textOnStderr(async () => {
      ({ log } = await trainFlowGRPO(pipeline, { ...SMALL, steps: 2, monitors }));
    });
    assert.deepEqual(
      log.map(({ broken: one, size }) => [one, Number.isFinite(size)]),
      [
        [NaN, true],
        [NaN, true],
      ],
    );
    assert.deepEqual(said.trim().split('\n'), [
      'Monitor "broken" failed, and training goes on: Cannot score reward "anonymous" as it must return 8 numbers: current value is 1 values',
      'takeMetrics of reward "anonymous" failed, and training goes on: nothing counted',
    ]);
    await assert.rejects(
      trainFlowGRPO(pipeline, { ...SMALL, monitors: { typo: 'rednes' } }),
      /^Error: Cannot find reward "rednes"/,
    );
  });

  it('ends with what onStep throws', async () => {
    const onStep = () => {
      throw new Error('enough');
    };
    await assert.rejects(trainFlowGRPO(pipeline, { ...SMALL, onStep }), { message: 'enough' });
  });

  it('takes several updates a step from mini-batches and epochs', async () => {
    const { log } = await trainFlowGRPO(pipeline, {
      ...SMALL,
      miniBatchSize: 4,
      ppoEpochs: 2,
      learningRate: 1e-3,
      clipRatio: 1e-5,
      warmupSteps: 1,
    });
    assert.equal(log[0].replayGap, 0);
    assert.ok(log[0].clipFraction > 0);
    assert.notEqual(log[0].ratioMean, 1);
  });

  it('refuses to train when the replay does not give the log-probabilities of the rollout', async () => {
    // A step that is not the scheduler's: the rollout and the replay disagree about the noise level.
    const trainer = new FlowGRPOTrainer(pipeline, SMALL);
    const { forward } = pipeline;
    pipeline.forward = (req, options) =>
      forward.call(pipeline, req, { ...options, noiseLevel: 0.5 });
    await assert.rejects(
      trainer.step(),
      /^Error: Cannot train as the replay of a rollout must give its own log-probabilities, within the clip ratio of 0\.001: largest \|ratio - 1\| is /,
    );
    trainer.dispose();
  });

  it('refuses more prompts a step than there are', async () => {
    await assert.rejects(trainFlowGRPO(pipeline, { ...SMALL, promptsPerStep: 5 }), {
      message:
        'Cannot draw 5 different prompts as there must be as many with a weight above 0: current number is 4',
    });
  });

  it('keeps a mean of the weights beside them, and swaps it in and out', async () => {
    const trainer = new FlowGRPOTrainer(pipeline, { ...SMALL, ema: 0.5 });
    const start = weights();
    await trainer.step();
    const trained = weights();
    const averaged = await trainer.average?.use(async () => weights());
    assert.deepEqual(weights(), trained);
    averaged?.forEach((value, at) => {
      assert.ok(Math.abs(value - (start[at] + trained[at]) / 2) < 1e-6);
    });
    trainer.dispose();
  });

  it('policyGradients() does not depend on the size of micro-batches, nor on compiling', async () => {
    const { modelConfig, transformer, compiledTransformer } = pipeline;
    const config = modelConfig.with({ algo: { noise_level: 0.7 } });
    const scheduler = buildScheduler(config);
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a' }, { prompt: 'two cats' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 4,
      sdeWindowRange: [0, 3],
    });
    const advantages = groupAdvantages([1, 2, 3, 5, 4, 4, 0, 1], batch.groups, { width: 2 });
    const norms: number[][] = [];
    for (const [model, microBatchSize] of [
      [transformer, 8],
      [transformer, 3],
      [compiledTransformer, 8],
      [compiledTransformer, 3],
    ] as const) {
      const policy = await policyGradients(
        { transformer: model, scheduler, modelConfig: config },
        batch,
        advantages,
        { microBatchSize },
      );
      norms.push(
        [...policy.gradients.values()].map((one) => tf.tidy(() => tf.norm(one).dataSync()[0])),
      );
      assert.ok(policy.ratioGap < 1e-4);
      policy.dispose();
    }
    for (const other of norms.slice(1)) {
      assert.equal(other.length, norms[0].length);
      other.forEach((norm, at) => {
        assert.ok(Math.abs(norm - norms[0][at]) <= 1e-5 + 1e-3 * norms[0][at]);
      });
    }
    tf.dispose([advantages]);
    batch.dispose();
  });
});

describe('rolloutGroups()', () => {
  it('refuses prompts that are no records, and none', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    for (const prompts of [[], ['a fox'], [{ prompt: 1 }]]) {
      await assert.rejects(
        rolloutGroups(pipeline, prompts as unknown as PromptRecord[], {
          key: RandomKey.fromSeed(1),
        }),
        /^Error: Cannot roll out as prompts must be records with a text as prompt, one at least: current value is /,
      );
    }
    pipeline.dispose();
  });

  it('refuses a window that lies outside of the steps, or does not fit its range, by its name', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const roll = (options: Partial<RolloutGroupsOptions>) =>
      rolloutGroups(pipeline, [{ prompt: 'a' }], { key: RandomKey.fromSeed(1), ...options });
    for (const window of [
      [3, 1],
      [2, 2],
      [0, 5],
    ] as const) {
      await assert.rejects(roll({ window }), {
        message: `Cannot place an SDE window as window must be its first step and one past its last, within the 4 steps: current value is [${window.join(', ')}]`,
      });
    }
    await assert.rejects(roll({ sdeWindowSize: 3, sdeWindowRange: [2, 5] }), {
      message:
        'Cannot place an SDE window as its size must fit its range within the 4 steps: current values are size 3 and range [2, 5]',
    });
    pipeline.dispose();
  });

  it('gives each picture the same noise whatever the size of micro-batches', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const roll = (microBatchSize: number) =>
      rolloutGroups(pipeline, [{ prompt: 'a' }, { prompt: 'two cats' }], {
        key: RandomKey.fromSeed(1),
        groupSize: 3,
        microBatchSize,
        sdeWindowRange: [0, 2],
      });
    const [whole, parts] = [await roll(6), await roll(2)];
    const starts = [whole, parts].map(({ tensors }) =>
      Array.from(tf.tidy(() => tf.gather(tensors.all_latents, 0, 1).dataSync())),
    );
    assert.deepEqual(starts[0], starts[1]);
    assert.deepEqual(starts[0].slice(0, 64), starts[0].slice(64, 128));
    const gap = tf.tidy(
      () =>
        tf.max(tf.abs(tf.sub(whole.tensors.all_latents, parts.tensors.all_latents))).dataSync()[0],
    );
    assert.ok(gap < 1e-5, String(gap));
    assert.deepEqual(whole.groups, [0, 0, 0, 1, 1, 1]);
    [whole, parts].forEach((batch) => batch.dispose());
    pipeline.dispose();
  });
});
