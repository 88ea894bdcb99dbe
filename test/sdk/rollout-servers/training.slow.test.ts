import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  SGLangRollouts,
  VllmOmniRollouts,
  describeAlarm,
  loadPipeline,
  trainDiffusionNFT,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type RolloutPipeline,
  type StepReport,
} from '@flowbook/sdk';
import { CONFIG, MODEL, SMALL } from '../rollout-workers/small-rollouts';
import { sendJson } from './picture-server';
import { SGLangServer, wireTensor } from './sglang-server';
import { VllmOmniServer } from './vllm-omni-server';

const GAP = 'rollout_corr/logprob_abs_diff_mean';
const LORA = { rank: 2, alpha: 3, targetModules: ['to_q', 'to_v'] };

describe('training on rollout servers', function () {
  this.timeout(240_000);
  let pipeline: RolloutPipeline;
  let served: RolloutPipeline;
  let server: SGLangServer;
  let folder: string;

  const load = async (algorithm = 'flow_grpo') =>
    await loadPipeline(MODEL, { ...CONFIG, algorithm });
  const open = (mostGap?: number) =>
    new SGLangRollouts(pipeline, {
      url: server.url,
      weightsFolder: folder,
      backoffMs: 1,
      ...(mostGap === undefined ? {} : { mostGap }),
    });
  /** Two steps, with what they report. */
  const train = async (servers: SGLangRollouts, options: Partial<FlowGRPOOptions> = {}) => {
    const reports: StepReport[] = [];
    try {
      const { log, alarms } = await trainFlowGRPO(pipeline, {
        ...SMALL,
        steps: 2,
        sameInitialNoise: false,
        rolloutWorkers: servers,
        onStep: (report) => void reports.push(report),
        ...options,
      });
      return { log, alarms, reports };
    } finally {
      await servers.close();
    }
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-weights-'));
  });

  beforeEach(async () => {
    pipeline = await load();
    served = await load();
    server = (await new SGLangServer(served).start()) as SGLangServer;
  });

  afterEach(async () => {
    await server.stop();
    pipeline.dispose();
    served.dispose();
    assert.deepEqual(readdirSync(folder), []);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('trains adapters, each step with its own, and shows how far the server rounds off', async () => {
    const { log, reports } = await train(open(), { lora: LORA, trueCfgScale: 3 });
    assert.equal(log.length, 2);
    for (const line of log) {
      assert.ok(line[GAP] < 1e-5, `gap ${line[GAP]}`);
      // Ratios start from what the trainer computed.
      assert.ok(line.replayGap < 1e-6);
      assert.deepEqual([line.staleness, line.requeued, line.workers], [0, 0, 1]);
    }
    assert.ok(log.every((line) => line['consistency/clip_fraction'] === 0));
    const { host } = new URL(server.url);
    assert.equal(log[0][`workers/${host}/parts`], 4);
    assert.ok(reports.every(({ consistency }) => consistency?.verdict === 'consistent'));
    const loads = server.requests.filter(({ path }) => path === '/v1/set_lora');
    assert.equal(loads.length, 2);
    assert.equal(new Set(loads.map(({ body }) => body.lora_path)).size, 2);
    assert.ok(server.asked.every(({ body }) => body.negative_prompt === ' '));
    // Four parts a step of two pictures: each picture has a seed of its own.
    assert.equal(new Set(server.asked.map(({ body }) => body.seed)).size, server.asked.length);
  });

  it('trains all weights, and reads the whole walk that older servers send', async () => {
    server.sendsAll = true;
    const { log } = await train(open(), { sdeType: 'cps' });
    assert.ok(log.every((line) => line[GAP] < 1e-5));
    assert.deepEqual(
      server.requests.filter(({ path }) => path === '/update_weights_from_disk').length,
      2,
    );
    assert.ok(server.asked.every(({ body }) => body.rollout_log_prob_no_const === true));
  });

  it('learns the same whatever a server says of log-probabilities, and reports the gap', async () => {
    const { log: right } = await train(open(), { lora: LORA });
    pipeline.dispose();
    pipeline = await load();
    server.change = (sample) => ({
      ...sample,
      rollout_log_probs: wireTensor([4], Array(4).fill(7)),
    });
    const { log, alarms } = await train(open(), { lora: LORA, onMismatch: 'report' });
    assert.deepEqual(
      log.map(({ loss, gradNorm, reward }) => [loss, gradNorm, reward]),
      right.map(({ loss, gradNorm, reward }) => [loss, gradNorm, reward]),
    );
    assert.ok(log.every((line) => line[GAP] > 1));
    const [alarm] = alarms.filter(({ name }) => name === 'rollout-gap');
    assert.match(
      describeAlarm(alarm),
      /^step 1: log-probabilities of the rollout lie .* from the trainer's on average, more than 0.005\. Cause: /,
    );
  });

  it('stops when a server goes on with old weights', async () => {
    const { serve } = server;
    server.answer = (asked, response, tries) =>
      asked.path === '/v1/set_lora'
        ? sendJson(response, { status: 'ok', message: '' })
        : serve(asked, response, tries);
    await assert.rejects(
      train(open(1e-5), { lora: LORA, learningRate: 0.1, warmupSteps: 0 }),
      /^Error: Cannot train on rollouts of a server as their log-probabilities must be the trainer's but for rounding, within 0\.00001 on average: the mean gap is .*\. The server has other weights, or another schedule, guidance or noise\./,
    );
    assert.equal(server.requests.filter(({ path }) => path === '/v1/set_lora').length, 2);
  });

  it('refuses settings that cannot be served', async () => {
    const refused = (options: Partial<FlowGRPOOptions>, message: string) =>
      assert.rejects(train(open(), options), { message });
    await refused(
      { sameInitialNoise: true },
      'Cannot roll out on SGLang as sameInitialNoise must be false: a server draws the noise that each picture starts from',
    );
    await refused(
      { sdeType: 'dance_sde' },
      'Cannot roll out on SGLang as sdeType must be sde or cps: current value is dance_sde',
    );
    await refused(
      { rolloutCorrection: { bypass_mode: true } },
      "Cannot roll out over workers as rolloutCorrection must not have bypass_mode with servers, whose log-probabilities are not the trainer's: current value is bypass_mode true",
    );
  });

  it('trains DiffusionNFT on the clean latents of SGLang, and on pictures of vLLM-Omni', async () => {
    const { prompts, reward, promptsPerStep, groupSize, microBatchSize } = SMALL;
    const options = {
      ...{ prompts, reward, promptsPerStep, groupSize, microBatchSize },
      ...{ steps: 2, compile: false, lora: LORA, learningRate: 1e-3 },
    };
    const nft = await load('diffusion_nft');
    const latents = new SGLangRollouts(nft, { url: server.url, weightsFolder: folder });
    const { log } = await trainDiffusionNFT(nft, { ...options, rolloutWorkers: latents });
    await latents.close();
    nft.dispose();
    assert.ok(server.asked.every(({ body }) => body.rollout_sde_type === 'ode'));

    const other = await load('diffusion_nft');
    const pictures = (await new VllmOmniServer(await load()).start()) as VllmOmniServer;
    const servers = new VllmOmniRollouts(other, { url: pictures.url, weightsFolder: folder });
    const { log: drawn } = await trainDiffusionNFT(other, { ...options, rolloutWorkers: servers });
    await servers.close();
    await pictures.stop();
    pictures.pipeline.dispose();
    other.dispose();
    const refused = new VllmOmniRollouts(pipeline, { url: pictures.url, weightsFolder: folder });
    const grpo = { ...SMALL, sameInitialNoise: false, rolloutWorkers: refused };
    await assert.rejects(trainFlowGRPO(pipeline, grpo), {
      message:
        'Cannot roll out on vLLM-Omni as it takes adapters alone: train with lora, the model has none',
    });
    await assert.rejects(
      trainFlowGRPO(pipeline, { ...grpo, lora: LORA }),
      /^Error: Cannot roll out on vLLM-Omni as its answers hold pictures alone, /,
    );
    await refused.close();
    for (const line of [...log, ...drawn]) {
      assert.ok(Number.isFinite(line.loss) && line.gradNorm > 0 && line.staleness === 0);
    }
    // The same seeds, noise and weights: pictures agree but for what PNG rounds.
    assert.ok(Math.abs(log[0].reward - drawn[0].reward) < 1e-3);
    const [{ body }] = pictures.asked;
    const { seed, prompt, lora, ...rest } = body;
    assert.ok(typeof seed === 'number' && typeof prompt === 'string');
    assert.deepEqual(Object.keys(lora as object), ['name', 'path', 'scale']);
    assert.deepEqual(rest, {
      n: 1,
      size: '32x32',
      response_format: 'b64_json',
      output_format: 'png',
      num_inference_steps: 4,
      true_cfg_scale: 1,
    });
  });
});
