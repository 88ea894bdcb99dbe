import {
  FlowGRPOTrainer,
  QwenImagePipelineWithLogProb,
  Qwen2Tokenizer,
  RandomKey,
  applyPromptTemplate,
  drawPrompts,
  loadShapesPrompts,
  tf,
} from '@flowbook/sdk';
import { resolve } from 'node:path';
import { TEMPLATE_PREFIX_TOKENS } from '../../../sdk/src/pipelines/qwen-image-flow-grpo/prompt';
import { groupNoise } from '../../../sdk/src/training/group-noise';
import type { Inputs, Job, Row } from './row';
import { forwardFlops } from './sizes';

/** The first notebook's training step, on the tiny checkpoint, with a reward that both sides compute alike. */
const DATASETS = resolve(__dirname, '../../../datasets');
const CHECKPOINT = resolve(DATASETS, 'tiny-qwen-image');
const PROMPTS = 24;
const GROUP_SIZE = 8;
const SEED = 1;
const STEPS = 10;
const SIDE = 64;
const WINDOW = [1, 3] as const;
/** Iterations that are compared before any is timed: the second shows what the first one's update did. */
const COMPARED = 2;

const SIZES = {
  batch: PROMPTS * GROUP_SIZE,
  imageTokens: 16,
  channels: 16,
  textWidth: 64,
  layers: 4,
  width: 96,
  mlpWidth: 384,
} as const;

/** Prompts of every kind: the file is sorted by kind. */
function prompts(): string[] {
  const records = loadShapesPrompts(resolve(DATASETS, 'shapes/train.jsonl'));
  const stride = Math.floor(records.length / PROMPTS);
  return Array.from({ length: PROMPTS }, (_, at) => records[at * stride].prompt);
}

/** For each prompt the place of its group in an iteration: the trainer draws prompts in random order. */
function placesAt(step: number): number[] {
  const key = RandomKey.fromSeed(SEED).fold('step', step, 'prompts');
  const drawn = drawPrompts(prompts(), key, { count: PROMPTS });
  return prompts().map((prompt) => drawn.indexOf(prompt));
}

/** The noise that the trainer draws in an iteration, in the order of the prompts. */
function noiseAt(step: number): { initial: tf.Tensor; noise: tf.Tensor } {
  const key = RandomKey.fromSeed(SEED).fold('step', step, 'rollout');
  const rows = placesAt(step).flatMap((place) =>
    Array.from({ length: GROUP_SIZE }, (_, at) => ({ group: key.fold('group', place), place: at })),
  );
  return tf.tidy(() => {
    const generator = groupNoise(rows, { window: WINDOW, sameInitialNoise: true });
    const initial = generator.randn([rows.length, SIZES.channels / 4, SIDE / 8, SIDE / 8]);
    const shape = [rows.length, SIZES.imageTokens, SIZES.channels];
    const steps = Array.from({ length: STEPS }, () => generator.randn(shape));
    return {
      initial: tf.gather(
        initial,
        Array.from({ length: PROMPTS }, (_, at) => at * GROUP_SIZE),
      ),
      noise: tf.stack(steps.slice(...WINDOW)),
    };
  });
}

function inputs(): Inputs {
  const draws = Array.from({ length: COMPARED }, (_, at) => noiseAt(at + 1));
  return {
    prompts: tf.tensor1d([...Buffer.from(prompts().join('\n'))], 'int32'),
    group_size: tf.scalar(GROUP_SIZE, 'int32'),
    initial: tf.stack(draws.map(({ initial }) => initial)),
    noise: tf.stack(draws.map(({ noise }) => noise)),
  };
}

/** The trainer's steps. The first run makes those that are compared. */
function iteration(folder: string, given: Inputs): Job {
  const pipeline = QwenImagePipelineWithLogProb.fromPretrained({
    path: folder,
    height: SIDE,
    width: SIDE,
    pipeline: { num_inference_steps: STEPS, true_cfg_scale: 1 },
  });
  const trainer = new FlowGRPOTrainer(pipeline, {
    prompts: prompts(),
    reward: 'redness',
    promptsPerStep: PROMPTS,
    groupSize: GROUP_SIZE,
    microBatchSize: PROMPTS * GROUP_SIZE,
    learningRate: 2e-4,
    warmupSteps: 0,
    sdeWindowSize: WINDOW[1] - WINDOW[0],
    sdeWindowRange: WINDOW,
    seed: SEED,
  });
  const iterate = async () => {
    const { step, rewards, gradNorm } = await trainer.step();
    const inOrder = placesAt(step).flatMap((place) =>
      rewards.slice(place * GROUP_SIZE, (place + 1) * GROUP_SIZE),
    );
    return { inOrder, gradNorm };
  };
  let runs = COMPARED;
  return {
    run: async () => {
      const reports: Awaited<ReturnType<typeof iterate>>[] = [];
      for (; runs > 0; runs--) reports.push(await iterate());
      runs = 1;
      return {
        rewards: tf.tensor2d(reports.map(({ inOrder }) => inOrder)),
        norm: tf.tensor1d(reports.map(({ gradNorm }) => gradNorm)),
      };
    },
    dispose: () => {
      trainer.dispose();
      pipeline.dispose();
      tf.dispose(Object.values(given));
    },
  };
}

/** The rollout's passes, and the replay of each step of the window with its gradient. */
function flops(): number {
  const passes = STEPS + 3 * (WINDOW[1] - WINDOW[0]);
  const tokenizer = Qwen2Tokenizer.fromPretrained(CHECKPOINT);
  const { input_ids } = tokenizer.batch(prompts().map(applyPromptTemplate), { padding: 'longest' });
  const textTokens = input_ids[0].length - TEMPLATE_PREFIX_TOKENS;
  return passes * forwardFlops({ ...SIZES, textTokens });
}

export const iterationRow: Row = {
  name: 'iteration',
  isModelRow: true,
  folder: CHECKPOINT,
  inputs,
  prepare: iteration,
  flops,
  tolerance: 1e-2,
};
