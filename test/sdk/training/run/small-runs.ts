import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  keyGenerator,
  loadPipeline,
  trainDiffusionDPO,
  trainDiffusionNFT,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type RolloutPipeline,
  type RunView,
  type TrainingResult,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../../golden/models/tiny-qwen-image');

/** Options that every way of training takes, small enough for a test. */
export type SmallOptions = Partial<
  Pick<
    FlowGRPOOptions,
    | 'steps'
    | 'reward'
    | 'compile'
    | 'gradientCheckpointing'
    | 'ema'
    | 'lora'
    | 'seed'
    | 'signal'
    | 'resume'
    | 'runDirectory'
    | 'runName'
    | 'patience'
    | 'evaluation'
    | 'bestMetric'
    | 'promptPriority'
    | 'checkpointEverySteps'
    | 'checkpointsKept'
    | 'configuration'
  >
> & { onStep?: (report: { step: number }, run: RunView) => void | Promise<void> };

const SMALL = {
  prompts: ['a red fox', 'two cats', 'a blue house'],
  reward: 'redness',
  promptsPerStep: 2,
  groupSize: 2,
  steps: 4,
  compile: false,
  learningRate: 1e-3,
  warmupSteps: 3,
  lrSchedule: 'cosine',
} satisfies FlowGRPOOptions;

/** Draws what a pair is made of, the same each time. */
function pairs() {
  return ['a red fox', 'two cats', 'a blue house'].map((prompt, at) => {
    const [chosen, rejected] = [0, 1].map((one) => keyGenerator(2 * at + one).randn([4, 16]));
    return { prompt, chosen, rejected };
  });
}

/** A way of training: the algorithm that the pipeline is loaded for, and how it goes. */
export interface SmallRun {
  algorithm: string;
  train(pipeline: RolloutPipeline, options: SmallOptions): Promise<TrainingResult>;
}

/** Every trainer, each with what it keeps between steps. */
export const SMALL_RUNS: Readonly<Record<string, SmallRun>> = {
  FlowGRPO: {
    algorithm: 'flow_grpo',
    train: (pipeline, options) =>
      trainFlowGRPO(pipeline, {
        ...SMALL,
        sdeWindowRange: [0, 3],
        miniBatchSize: 2,
        clipRatio: 1,
        klLossCoef: 0.1,
        ...options,
      }),
  },
  DiffusionNFT: {
    algorithm: 'diffusion_nft',
    train: (pipeline, options) =>
      trainDiffusionNFT(pipeline, {
        ...SMALL,
        refKlCoef: 0.1,
        oldPolicySchedule: 'linear_to_0_5',
        oldPolicyUpdateInterval: 2,
        ...options,
      }),
  },
  'online Diffusion-DPO': {
    algorithm: 'dpo',
    train: (pipeline, options) => trainDiffusionDPO(pipeline, { ...SMALL, ...options }),
  },
  'offline Diffusion-DPO': {
    algorithm: 'dpo',
    train: (pipeline, options) => {
      const { steps, compile, learningRate, warmupSteps, lrSchedule } = SMALL;
      const own = { steps, compile, learningRate, warmupSteps, lrSchedule, pairsPerStep: 2 };
      return trainDiffusionDPO(pipeline, { ...own, pairs: pairs(), ...options });
    },
  },
};

/** The tiny model as it was before any training. */
export function loadSmall(algorithm: string): Promise<RolloutPipeline> {
  return loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4, algorithm });
}

/** An evaluation of one picture after every step, which gets these rewards in turn, then 0. The list is emptied. */
export const ratedBy = (rewards: number[]) => ({
  prompts: ['a red fox'],
  everySteps: 1,
  numInferenceSteps: 2,
  reward: async () => [rewards.shift() ?? 0],
});

/** Runs `work` with an empty folder that is removed afterwards. */
export async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-run-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** All trained weights, to the last bit. */
export function trainedWeights(pipeline: RolloutPipeline): Record<string, number[]> {
  return Object.fromEntries(
    [...pipeline.transformer.trainableVariables()].map(([name, variable]) => [
      name,
      Array.from(variable.dataSync()),
    ]),
  );
}

/** What a run of FlowGRPO on a model of its own did, and the weights that it ended with. */
export async function runSmall(options: SmallOptions) {
  const { algorithm, train } = SMALL_RUNS.FlowGRPO;
  const pipeline = await loadSmall(algorithm);
  try {
    const { log, stopped } = await train(pipeline, options);
    return { log: withoutTimes(log), stopped, weights: trainedWeights(pipeline) };
  } finally {
    pipeline.dispose();
  }
}

/** The step that a checkpoint is of. */
export function stepIn(checkpoint: string): number {
  return JSON.parse(readFileSync(join(checkpoint, 'state.json'), 'utf8')).step;
}

/** A log without what differs between any two runs. */
export function withoutTimes(log: TrainingResult['log']): object[] {
  return log.map((line) =>
    Object.fromEntries(Object.entries(line).filter(([name]) => !/seconds$/i.test(name))),
  );
}
