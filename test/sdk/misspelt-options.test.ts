import assert from 'node:assert/strict';
import * as sdk from '../../sdk/src';

const { tf, RandomKey } = sdk;
const key = RandomKey.fromSeed(0);
const none = undefined as never;
const rates = new Map([['w', 0]]) as never;
const scheduler = new sdk.FlowMatchSDEDiscreteScheduler();
const euler = new sdk.FlowMatchEulerDiscreteScheduler();
const x = tf.zeros([1, 2, 2]);
const inputs = {
  log_probs: tf.zeros([1]),
  old_log_probs: tf.zeros([1]),
  advantages: tf.zeros([1]),
};

/** What takes options, each called with one that is misspelt, and what it was meant to be. */
const CALLS: [action: string, wrong: string, right: string, call: (wrong: object) => unknown][] = [
  ['compute advantages', 'globalSdt', 'globalStd', (o) => sdk.groupAdvantages([1], ['a'], o)],
  ['turn advantages into probabilities', 'modes', 'mode', (o) => sdk.rewardProbability(x, o)],
  [
    'compute loss "flow_grpo"',
    'config.clipRatio',
    'config.clip_ratio',
    () => sdk.computeLoss('flow_grpo', inputs, { clipRatio: 1 } as object),
  ],
  ['compute a policy loss', 'lossMod', 'lossMode', (o) => sdk.policyLoss(inputs, o, {})],
  ['compute a policy gradient', 'row', 'rows', (o) => sdk.policyGradients(none, none, none, o)],
  [
    'compute a policy gradient',
    'lossConfig.clipRatio',
    'lossConfig.clip_ratio',
    () => sdk.policyGradients(none, none, none, { lossConfig: { clipRatio: 1 } as object }),
  ],
  [
    'train',
    'numInferenceStep',
    'numInferenceSteps',
    (o) => sdk.trainFlowGRPO(pipeline, { ...task, ...o }),
  ],
  [
    'train',
    'lossConfig.clipRatio',
    'lossConfig.clip_ratio',
    () => sdk.trainFlowGRPO(pipeline, { ...task, lossConfig: { clipRatio: 1 } as object }),
  ],
  ['replay a rollout', 'microBatch', 'microBatchSize', (o) => sdk.replayPolicy(none, none, o)],
  ['check consistency', 'clipRange', 'clipRatio', (o) => sdk.checkConsistency(none, none, o)],
  ['roll out', 'groupsize', 'groupSize', (o) => sdk.rolloutGroups(none, [], { key, ...o })],
  ['evaluate', 'prompt', 'prompts', (o) => sdk.evaluatePolicy(none, { ...task, ...o }, none, null)],
  ['draw prompts', 'weight', 'weights', (o) => sdk.drawPrompts([1], key, { count: 1, ...o })],
  ['draw prompts by priority', 'flor', 'floor', (o) => new sdk.PromptPriority(1, o)],
  ['make pairs of a rollout', 'tie', 'ties', (o) => sdk.pairsFromRollout(none, [], none, o)],
  ['select pairs', 'tie', 'ties', (o) => sdk.selectPairs([], [], o)],
  ['noise pairs', 'generators', 'generator', (o) => sdk.noisePairs(x, none, o)],
  ['select times', 'fractions', 'fraction', (o) => sdk.selectTimesteps(none, key, o)],
  ['learn from pairs', 'dpoBet', 'dpoBeta', (o) => sdk.dpoGradients({} as never, none, o)],
  [
    'compute the gradient of DiffusionNFT',
    'mixbeta',
    'mixBeta',
    (o) => sdk.nftGradients(none, none, { key, ...o }),
  ],
  [
    'schedule the learning rate',
    'warmUpSteps',
    'warmupSteps',
    (o) => sdk.learningRateAt(1, { learningRate: 1, ...o }),
  ],
  ['make AdamW', 'learningRate', 'lr', (o) => new sdk.AdamW(rates, o)],
  ['raise alarms', 'clipFractions', 'clipFraction', (o) => sdk.alarmsOf([], o)],
  ['seed a validation', 'sed', 'seed', (o) => sdk.validationSeeds(1, o)],
  ['compile "half"', 'xLa', 'xla', (o) => sdk.compile(half, o)],
  [
    'compile "half"',
    'remats',
    'remat',
    (o) => sdk.compileDifferentiable(half, { variables, ...o }),
  ],
  ['compile a model', 'remats', 'remat', (o) => new sdk.CompiledModel(none, o)],
  ['start workers', 'thread', 'threads', (o) => new sdk.LocalWorkers(o)],
  [
    'roll out over workers',
    'timeoutMs',
    'timeoutSeconds',
    (o) => new sdk.WorkerPool(none, { path: 'x' }, o),
  ],
  [
    'roll out over workers',
    'model.configs',
    'model.config',
    () => new sdk.WorkerPool(none, { path: 'x', configs: {} } as never),
  ],
  [
    'rate over workers',
    'mostMemory',
    'mostMemoryBytes',
    (o) => new sdk.RewardPool(none, { reward: 'redness', ...o }),
  ],
  ['score rewards', 'timeout', 'timeoutMs', (o) => sdk.scoreRewards('redness', [], [], o)],
  [
    'score rewards',
    'normalise',
    'normalize',
    (o) => sdk.scoreWeightedRewards({ redness: 'redness' }, [], [], o),
  ],
  [
    'score pictures by reward "red"',
    'weigth',
    'weight',
    (o) => sdk.scoreWeightedRewards({ red: { reward: 'redness', ...o } }, [], []),
  ],
  ["keep a reward's ratings", 'folders', 'folder', (o) => sdk.cachedReward('redness', o)],
  [
    'ask a server for rewards',
    'retry',
    'retries',
    (o) => sdk.httpReward({ url: 'http://127.0.0.1:1', ...o }),
  ],
  [
    'ask a server for rewards',
    'retry',
    'retries',
    (o) => sdk.scoreWeightedRewards({ a: { url: 'http://127.0.0.1:1', ...o } }, [], []),
  ],
  [
    'roll out on servers',
    'retry',
    'retries',
    (o) =>
      new sdk.SGLangRollouts(pipeline, { url: 'http://127.0.0.1:1', weightsFolder: 'x', ...o }),
  ],
  [
    'register reward "mine"',
    'replaces',
    'replace',
    (o) => sdk.registerReward('mine', async () => [], o),
  ],
  [
    'register a training adapter for Mine',
    'replaces',
    'replace',
    (o) => sdk.DiffusionModelBase.register('Mine', { algorithm: 'a', ...o }),
  ],
  [
    'register a rollout pipeline for Mine',
    'paths',
    'path',
    (o) => sdk.VllmOmniPipelineBase.register('Mine', { algorithm: 'a', ...o }),
  ],
  ['load "nowhere"', 'dtypes', 'dtype', (o) => sdk.loadPipeline('nowhere', {}, o)],
  [
    'load a pipeline',
    'dtypes',
    'dtype',
    (o) => sdk.QwenImagePipelineWithLogProb.fromPretrained('nowhere', o),
  ],
  [
    'load QwenImageTransformer2DModel from "nowhere"',
    'dtypes',
    'dtype',
    (o) => sdk.QwenImageTransformer2DModel.fromPretrained('nowhere', o),
  ],
  [
    'write a pipeline to "nowhere"',
    'shardSize',
    'maxShardSize',
    (o) => sdk.savePipeline('nowhere', 'A', {}, o),
  ],
  ['download "a/b"', 'revisions', 'revision', (o) => sdk.downloadModel('a/b', o)],
  ['inspect "nowhere"', 'ranks', 'rank', (o) => sdk.inspectModel('nowhere', o)],
  ['step', 'noiselevel', 'noiseLevel', (o) => scheduler.samplePreviousStep(x, x, o)],
  ['step', 'sNois', 'sNoise', (o) => scheduler.step(x, 1000, x, o)],
  ['step', 'generators', 'generator', (o) => euler.step(x, 1000, x, o)],
  ['set timesteps', 'sigma', 'sigmas', (o) => scheduler.setTimesteps(4, o)],
  ['calculate a shift', 'maxShifts', 'maxShift', (o) => sdk.calculateShift(16, o)],
  ['make pictures', 'numInferenceStep', 'numInferenceSteps', (o) => pipeline.forward({}, o)],
  ['make pictures', 'negativePrompt', 'negativePromptIds', (o) => pipeline.forward({}, o)],
  ['add LoRA', 'target', 'rank', (o) => pipeline.transformer.addLora({ rank: 1, key, ...o })],
  ['save LoRA', 'formats', 'format', (o) => pipeline.transformer.saveLora('nowhere', o)],
];

const task = { prompts: ['a red fox'], reward: 'redness' };
const half = Object.defineProperty((a: sdk.tf.Tensor) => tf.mul(a, 0.5), 'name', { value: 'half' });
const variables = () => [];
let pipeline: sdk.QwenImagePipelineWithLogProb;

describe('a misspelt option is refused, and the nearest one named, by what would', () => {
  before(async () => {
    pipeline = await sdk.loadPipeline('datasets/tiny-qwen-image', { height: 64, width: 64 });
  });
  after(() => {
    pipeline.dispose();
    scheduler.dispose();
    euler.dispose();
    tf.dispose([x, ...Object.values(inputs)]);
  });

  for (const [action, wrong, right, call] of CALLS) {
    it(`${action}: ${wrong}`, async () => {
      await assert.rejects(async () => call({ [wrong]: 1 }), {
        message: `Cannot ${action} as there is no option "${wrong}": the nearest is "${right}"`,
      });
    });
  }
});

describe('a compat that there is none of is refused by', () => {
  const compat = 'verl_omni' as 'verl-omni';
  const calls: Record<string, () => unknown> = {
    'compute advantages': () => sdk.groupAdvantages([1], ['a'], { compat }),
    'schedule the learning rate': () => sdk.learningRateAt(1, { learningRate: 1, compat }),
    'select times': () => sdk.selectTimesteps(none, key, { compat }),
    'seed a validation': () => sdk.validationSeeds(1, { compat }),
    'place an SDE window': () => sdk.mixGrpoWindow({}, compat),
    'make pictures': () => pipeline.forward({}, { compat }),
  };
  for (const [action, call] of Object.entries(calls)) {
    it(action, async () => {
      await assert.rejects(async () => call(), {
        message: `Cannot ${action} as compat must be verl-omni, or null: current value is "verl_omni"`,
      });
    });
  }

  it('computeLoss()', () => {
    assert.throws(() => sdk.computeLoss('kl', {}, { compat }), {
      message:
        'Cannot compute loss "kl" as config.compat must be verl-omni, or null: current value is "verl_omni"',
    });
  });
});

describe("a loss of one's own", () => {
  const own: sdk.Loss = {
    requiredInputs: ['log_probs'],
    optionalInputs: [],
    compute: ({ log_probs }, config) => ({
      loss: tf.mul(
        tf.mean(log_probs),
        (config as unknown as { slope: number }).slope,
      ) as sdk.tf.Scalar,
      metrics: {},
    }),
  };
  const config = { slope: 3 } as object;
  const given = { log_probs: tf.ones([2]), prev_sample_mean: tf.ones([2, 3, 4]) };
  const compared = { ...given, ref_prev_sample_mean: tf.zeros([2, 3, 4]), std_dev_t: tf.ones([1]) };
  before(() => {
    sdk.losses.register('sloped', own);
    sdk.losses.register('sloped_by_name', { ...own, ownSettings: ['slope'] });
  });
  after(() => {
    ['sloped', 'sloped_by_name'].forEach((name) => sdk.losses.unregister(name));
    tf.dispose(Object.values(compared));
  });

  it('takes its own settings, also beside a distance to the reference', () => {
    for (const lossMode of ['sloped', 'sloped_by_name']) {
      tf.tidy(() => {
        assert.equal(sdk.computeLoss(lossMode, given, config).loss.dataSync()[0], 3);
        const { loss } = sdk.policyLoss(compared, { lossMode, klLossCoef: 2 }, config);
        assert.equal(loss.dataSync()[0], 4);
      });
    }
  });

  it('that names its settings refuses others', () => {
    const call = () => sdk.computeLoss('sloped_by_name', given, { slop: 3 } as object);
    assert.throws(call, {
      message:
        'Cannot compute loss "sloped_by_name" as there is no option "config.slop": the nearest is "config.slope"',
    });
  });
});
