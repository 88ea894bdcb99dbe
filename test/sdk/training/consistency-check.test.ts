import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  ConsistencyReport,
  RandomKey,
  RolloutBatch,
  buildScheduler,
  checkConsistency,
  jupyterDisplay,
  loadPipeline,
  rolloutGroups,
  tf,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('ConsistencyReport', () => {
  it('is consistent when nothing differs', async () => {
    const report = new ConsistencyReport([-1, -2], [-1, -2], 1e-3);
    assert.deepEqual(
      [report.verdict, report.meanGap, report.worstGap, report.ratioMean, report.clipFraction],
      ['consistent', 0, 0, 1, 0],
    );
    assert.deepEqual(report.warnings, []);
    const words =
      "The replay gives the rollout's log-probabilities: mean gap 0, worst 0, ratio 1.000000 on average; clip ratio 0.001.";
    assert.equal(report.words, words);
    assert.deepEqual(await report[jupyterDisplay](), { 'text/plain': words });
  });

  it('tells close from inconsistent by the clip range', () => {
    const gaps = (gap: number) => new ConsistencyReport([0, 0, 0, gap], [0, 0, 0, 0], 0.01);
    assert.equal(gaps(0.0005).verdict, 'consistent');
    assert.equal(gaps(0.005).verdict, 'close');
    const { verdict, clipFraction, worstGap, worstRatioGap, meanGap, words } = gaps(0.5);
    assert.deepEqual([verdict, clipFraction, worstGap], ['inconsistent', 0.25, 0.5]);
    assert.ok(Math.abs(worstRatioGap - Math.expm1(0.5)) < 1e-6);
    assert.ok(Math.abs(meanGap - 0.125) < 1e-9);
    assert.match(
      words,
      /^The replay disagrees with the rollout: 25 % of 4 steps start outside of the clip range; mean gap 0\.125, worst 0\.5, ratio 1\.162180 on average; clip ratio 0\.01\.$/,
    );
  });

  it('is inconsistent when a log-probability is not finite', () => {
    assert.equal(new ConsistencyReport([NaN, 0], [0, 0], 0.1).verdict, 'inconsistent');
  });

  it("warns when the clip range is below float32's noise", () => {
    const { warnings, words } = new ConsistencyReport([-20], [-20], 1e-6);
    assert.deepEqual(
      warnings.map(({ name }) => name),
      ['clip-below-noise'],
    );
    assert.match(
      words,
      /\nThe clip ratio of 0\.000001 is below what rounding does to these log-probabilities, about 0\.0000191: ratios are clipped at random\. Take a larger one\.$/,
    );
    assert.deepEqual(new ConsistencyReport([-20], [-20], 1e-4).warnings, []);
  });
});

describe('checkConsistency()', () => {
  it('passes a rollout of the same model, sees another noise level, and leaks nothing', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 2,
      sdeWindowRange: [0, 3],
    });
    const { numTensors } = tf.memory();
    const check = async (noise_level: number) => {
      const modelConfig = pipeline.modelConfig.with({ algo: { noise_level } });
      const scheduler = buildScheduler(modelConfig);
      const model = { transformer: pipeline.transformer, modelConfig, scheduler };
      const { verdict } = await checkConsistency(model, batch, { microBatchSize: 1 });
      (scheduler as { dispose?: () => void }).dispose?.();
      return verdict;
    };
    assert.equal(await check(0.7), 'consistent');
    assert.equal(await check(0.5), 'inconsistent');
    assert.equal(tf.memory().numTensors, numTensors);
    const modelConfig = pipeline.modelConfig;
    const model = {
      transformer: pipeline.transformer,
      modelConfig,
      scheduler: buildScheduler(modelConfig),
    };
    const silent = new RolloutBatch({ ...batch.tensors, all_log_probs: null }, batch);
    await assert.rejects(checkConsistency(model, silent), {
      message:
        'Cannot check consistency as the rollout must record its log-probabilities: all_log_probs is missing',
    });
    batch.dispose();
    pipeline.dispose();
  });
});
