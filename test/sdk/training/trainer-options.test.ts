import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FlowGRPOTrainer,
  OfflineDPOTrainer,
  runTraining,
  tf,
  trainDiffusionDPO,
  trainDiffusionNFT,
  trainFlowGRPO,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { OWN_NAMES, OWN_PREFIXES } from '../../../sdk/src/training/log-names';
import { inFolder, loadSmall, SMALL_RUNS, type SmallOptions } from './run/small-runs';

const ROLLOUT = { prompts: ['a red fox'], reward: 'redness', groupSize: 2, steps: 1 };
const latents = tf.zeros([4, 16]) as tf.Tensor;
const PAIR = { prompt: 'a red fox', chosen: latents, rejected: latents };

/** Every trainer with the options that it cannot do without. */
const TRAINERS: Record<string, (pipeline: RolloutPipeline, options: object) => Promise<unknown>> = {
  FlowGRPO: (pipeline, options) => trainFlowGRPO(pipeline, { ...ROLLOUT, ...options }),
  DiffusionNFT: (pipeline, options) => trainDiffusionNFT(pipeline, { ...ROLLOUT, ...options }),
  onlineDPO: (pipeline, options) => trainDiffusionDPO(pipeline, { ...ROLLOUT, ...options }),
  offlineDPO: (pipeline, options) => trainDiffusionDPO(pipeline, { pairs: [PAIR], ...options }),
};
const ALL = Object.keys(TRAINERS);
const ON_ROLLOUTS = ['FlowGRPO', 'DiffusionNFT', 'onlineDPO'];
const IN_GROUPS = ['FlowGRPO', 'DiffusionNFT'];
const EVALUATION = { prompts: ['two cats'], reward: 'redness' };
const REWARDS = "a registered reward's name, a function, or several of them by name";

/** Trainers, options, and what is said of them after "Cannot train as". */
const REFUSED: [trainers: string[], options: object, words: string][] = [
  [ALL, { steps: 0 }, 'steps must be a whole number from 1: current value is 0'],
  [ALL, { learningRate: NaN }, 'learningRate must be a number from 0: current value is NaN'],
  [ALL, { learningRate: '1e-3' }, 'learningRate must be a number from 0: current value is "1e-3"'],
  [ALL, { warmupSteps: NaN }, 'warmupSteps must be a number from 0: current value is NaN'],
  [ALL, { lrSchedule: 'x' }, 'lrSchedule must be constant or cosine: current value is "x"'],
  [ALL, { betas: [0.9, NaN] }, 'betas[1] must be a number from 0 to below 1: current value is NaN'],
  [ALL, { betas: 0.9 }, 'betas must be a list of two numbers: current value is 0.9'],
  [ALL, { weightDecay: NaN }, 'weightDecay must be a number from 0: current value is NaN'],
  [
    ALL,
    { maxGradNorm: 0 },
    'maxGradNorm must be a number above 0, or Infinity: current value is 0',
  ],
  [
    ALL,
    { microBatchSize: 'x' },
    'microBatchSize must be a whole number from 1 or auto, or null: current value is "x"',
  ],
  [ALL, { lora: { rank: 0 } }, 'lora.rank must be a whole number from 1: current value is 0'],
  [ALL, { lora: {} }, 'lora.rank must be a whole number from 1: current value is undefined'],
  [ALL, { ema: 1 }, 'ema must be a number from 0 to below 1, or null: current value is 1'],
  [ALL, { seed: 0.5 }, 'seed must be a whole number: current value is 0.5'],
  [ALL, { compat: 'x' }, 'compat must be verl-omni, or null: current value is "x"'],
  [ALL, { onNotFinite: 'x' }, 'onNotFinite must be skip, stop or rollback: current value is "x"'],
  [
    ALL,
    { rewardTimeoutMs: 3e9 },
    'rewardTimeoutMs must be a number of milliseconds from 1 to 2147483647, or null: current value is 3000000000',
  ],
  [
    ALL,
    { evaluation: { ...EVALUATION, everySteps: 0 } },
    'evaluation.everySteps must be a whole number from 1, or null: current value is 0',
  ],
  [
    ALL,
    { evaluation: { ...EVALUATION, everyStep: 5 } },
    'there is no option "evaluation.everyStep": the nearest is "evaluation.everySteps"',
  ],
  [ALL, { learningrate: 1 }, 'there is no option "learningrate": the nearest is "learningRate"'],
  [ALL, { signal: {} }, 'signal must be an AbortSignal, or null: current value is {}'],
  [ALL, { onStep: 'x' }, 'onStep must be a function, or null: current value is "x"'],
  [
    ALL,
    { runDirectory: 7 },
    'runDirectory must be the path of a folder, or null: current value is 7',
  ],
  [
    ALL,
    { resume: 5 },
    "resume must be true or false or 'auto' or the path of a run or checkpoint: current value is 5",
  ],
  [
    ALL,
    { checkpointsKept: 0 },
    'checkpointsKept must be a whole number from 1: current value is 0',
  ],
  [
    ALL,
    { minImprovement: NaN },
    'minImprovement must be a number from 0, or null: current value is NaN',
  ],
  [
    ALL,
    { alarmLimits: { gradNorm: 3 } },
    'there is no option "alarmLimits.gradNorm": the nearest is "alarmLimits.gradNormFactor"',
  ],
  [
    ALL,
    { alarmLimits: { clipFraction: NaN } },
    'alarmLimits.clipFraction must be a number from 0, or Infinity: current value is NaN',
  ],
  [
    ON_ROLLOUTS,
    { prompts: 'text' },
    'prompts must be a list of texts or records, one at least: current value is "text"',
  ],
  [
    ON_ROLLOUTS,
    { prompts: [] },
    'prompts must be a list of texts or records, one at least: current value is []',
  ],
  [
    ON_ROLLOUTS,
    { prompts: ['a fox', 8] },
    'prompts[1] must be a text, or a record whose prompt is one: current value is 8',
  ],
  [ON_ROLLOUTS, { reward: undefined }, `reward must be ${REWARDS}: current value is undefined`],
  [
    ON_ROLLOUTS,
    { onRewardFailure: 'zeros' },
    'onRewardFailure must be drop or zero: current value is "zeros"',
  ],
  [
    ON_ROLLOUTS,
    { rewardNormalization: 'x' },
    'rewardNormalization must be batch or group, or null: current value is "x"',
  ],
  [
    ON_ROLLOUTS,
    { monitors: null },
    'monitors must be rewards by name, each a registered one or a function: current value is null',
  ],
  ...['step', 'alarm', 'reward', 'loss', 'workers', 'evaluation/reward'].map(
    (name): [string[], object, string] => [
      ON_ROLLOUTS,
      { monitors: { again: 'redness', [name]: 'redness' } },
      `monitors must have names that the log does not use itself (${[...OWN_NAMES, ...OWN_PREFIXES.map((one) => `${one}...`)].join(', ')}): current value is "${name}"`,
    ],
  ),
  ...['reward', 'exact', 'exact/red'].map((name): [string[], object, string] => [
    ON_ROLLOUTS,
    { reward: { other: 'redness', [name]: 'redness' } },
    `reward must have names that the log does not use itself (reward, exact, diversity, rewardFailures, exact/...): current value is "${name}"`,
  ]),
  [
    ALL,
    { evaluation: { ...EVALUATION, reward: { diversity: 'redness' } } },
    'evaluation.reward must have names that the log does not use itself (reward, exact, diversity, rewardFailures, exact/...): current value is "diversity"',
  ],
  [
    ON_ROLLOUTS,
    { promptPriority: { memory: 2 } },
    'promptPriority.memory must be a number from 0 to 1: current value is 2',
  ],
  [
    ON_ROLLOUTS,
    { maxStaleness: -1 },
    'maxStaleness must be a whole number from 0: current value is -1',
  ],
  [
    ON_ROLLOUTS,
    { rolloutWorkers: {} },
    'rolloutWorkers must be rollout workers, as a WorkerPool, or null: current value is {}',
  ],
  [IN_GROUPS, { advClipMax: NaN }, 'advClipMax must be a number above 0'],
  [['FlowGRPO'], { klLossCoef: NaN }, 'klLossCoef must be a number from 0: current value is NaN'],
  [
    ['FlowGRPO'],
    { clipRatio: NaN },
    'clipRatio must be a number from 0, or Infinity: current value is NaN',
  ],
  [['FlowGRPO'], { noiseLevel: NaN }, 'noiseLevel must be a number from 0: current value is NaN'],
  [['FlowGRPO'], { onMismatch: 'x' }, 'onMismatch must be stop or report: current value is "x"'],
  [
    ['FlowGRPO'],
    { lossConfig: { kl_mask_threshold: NaN } },
    'lossConfig must be an object of settings, none of which is NaN',
  ],
  [['DiffusionNFT'], { mixBeta: NaN }, 'mixBeta must be a number above 0: current value is NaN'],
  [['DiffusionNFT'], { refKlCoef: NaN }, 'refKlCoef must be a number from 0: current value is NaN'],
  [
    ['DiffusionNFT'],
    { oldPolicySchedule: 'x' },
    'oldPolicySchedule must be copy, linear_to_0_5 or delayed_linear_to_0_999 or a number from 0 to below 1: current value is "x"',
  ],
  [['DiffusionNFT'], { clipRatio: 1 }, 'there is no option "clipRatio": the nearest is '],
  [
    ['onlineDPO', 'offlineDPO'],
    { dpoBeta: NaN },
    'dpoBeta must be a number above 0, or null: current value is NaN',
  ],
  [
    ['onlineDPO'],
    { groupSize: 1 },
    'groupSize must be a whole number from 2, to compare pictures of a prompt: current value is 1',
  ],
  [
    ['offlineDPO'],
    { pairs: [] },
    'pairs must be a list of pairs, one at least: current value is []',
  ],
  [
    ['offlineDPO'],
    { pairs: [{ ...PAIR, prompt: undefined }] },
    'pairs[0].prompt must be a text: current value is undefined',
  ],
  [
    ['offlineDPO'],
    { pairs: [{ ...PAIR, chosen: 'x.png' }] },
    'pairs[0].chosen must be a picture or a tensor of latents: current value is "x.png"',
  ],
  [
    ['offlineDPO'],
    { pairsPerStep: 0 },
    'pairsPerStep must be a whole number from 1: current value is 0',
  ],
];

describe('options of trainers', function () {
  this.timeout(120_000);
  const pipelines = new Map<string, RolloutPipeline>();
  let pipeline: RolloutPipeline;

  before(async () => {
    for (const algorithm of ['flow_grpo', 'diffusion_nft', 'dpo']) {
      pipelines.set(algorithm, await loadSmall(algorithm));
    }
    pipeline = pipelines.get('flow_grpo')!;
  });

  after(() => {
    for (const one of pipelines.values()) one.dispose();
    latents.dispose();
  });

  for (const [trainers, options, words] of REFUSED) {
    it(`refuses ${words}`, async () => {
      for (const name of trainers) {
        await assert.rejects(TRAINERS[name](pipeline, options), ({ message }: Error) => {
          assert.equal(
            message.slice(0, `Cannot train as ${words}`.length),
            `Cannot train as ${words}`,
          );
          return true;
        });
      }
    });
  }

  for (const [name, { algorithm, train }] of Object.entries(SMALL_RUNS)) {
    it(`takes options of ${name} that are left out or null for their defaults`, async () => {
      const nothing = {
        signal: null,
        runName: null,
        patience: null,
        ema: null,
        lora: undefined,
        evaluation: null,
        trueCfgScale: null,
        microBatchSize: null,
        compat: null,
        learningRate: undefined,
        unheardOf: undefined,
        alarmLimits: { gradNormFactor: Infinity, replayGap: undefined, clipFraction: undefined },
      };
      const { stopped } = await train(pipelines.get(algorithm)!, {
        ...nothing,
        steps: 1,
      } as SmallOptions);
      assert.equal(stopped, 'finished');
    });
  }

  it('refuses steps of a run that are no whole number, and options that runs do not have', async () => {
    const trainer = new FlowGRPOTrainer(pipeline, { ...ROLLOUT, compile: false });
    for (const steps of [NaN, -1, 1.5]) {
      await assert.rejects(runTraining(trainer, { steps }), {
        message: `Cannot train as steps must be a whole number from 0: current value is ${steps}`,
      });
    }
    await assert.rejects(runTraining(trainer, { patients: 3 } as object), {
      message: 'Cannot train as there is no option "patients": the nearest is "patience"',
    });
    trainer.dispose();
  });

  it('refuses a bestMetric that the log turns out not to have', async () => {
    const options = { ...ROLLOUT, compile: false, steps: 2, onMismatch: 'report' } as const;
    const evaluation = { ...EVALUATION, everySteps: 1 };
    await assert.rejects(
      trainFlowGRPO(pipeline, {
        ...options,
        evaluation,
        patience: 3,
        bestMetric: 'evaluation/rewrad',
      }),
      {
        message:
          'Cannot tell the best step as bestMetric must be a number of the log: current value is "evaluation/rewrad", the nearest is "evaluation/reward"',
      },
    );
    await assert.rejects(trainFlowGRPO(pipeline, { ...options, bestMetric: 'rewards' }), {
      message: /current value is "rewards", the nearest is "reward"$/,
    });
  });

  it('says that a run directory is a file', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'run');
      writeFileSync(file, '');
      for (const runDirectory of [file, join(file, 'below')]) {
        await assert.rejects(
          trainFlowGRPO(pipeline, { ...ROLLOUT, compile: false, runDirectory }),
          {
            message: `Cannot train in "${runDirectory}" as it must be a folder: a file is in its place`,
          },
        );
      }
    }));

  it('says which latents of pairs differ in shape', async () => {
    const [chosen, rejected] = [tf.zeros([4, 16]), tf.zeros([5, 16])] as tf.Tensor[];
    const trainer = new OfflineDPOTrainer(pipelines.get('dpo')!, {
      pairs: [{ prompt: 'two cats', chosen, rejected }],
      compile: false,
    });
    await assert.rejects(trainer.step(), {
      message:
        'Cannot lay pairs into one batch as latents must be of one shape, 4 x 16: rejected of "two cats" has 5 x 16',
    });
    trainer.dispose();
    tf.dispose([chosen, rejected]);
  });
});
