import { join } from 'node:path';
import {
  FlowMatchingTask,
  PROMPT_KINDS,
  RandomKey,
  disposeEmbeddings,
  evaluatePolicy,
  loadShapesPrompts,
  padEmbeddings,
  pretrain,
  tf,
  type FlowMatchingData,
  type PretrainingOptions,
  type PromptKind,
  type ShapesPrompt,
} from '@flowbook/sdk';
import { drawPictures, toTensor } from './pictures';
import type { ShapesPipeline } from './pretrained-model';

/** What pre-training a transformer of the shapes world takes. */
export interface TransformerSettings {
  config: Record<string, unknown>;
  batchSize: number;
  /** Different pictures to learn from. */
  pictures: number;
  /** Pictures of each kind that are made and judged at an evaluation, for prompts that are learned from. */
  judgedOfAKind: number;
  /** Above 1, high noise is drawn more often: there the prompt decides what appears. */
  noiseShift: number;
  /** How often pictures of a kind are drawn, relative to the others; 1 where nothing is said. */
  kindWeights: Partial<Record<PromptKind, number>>;
  options: Omit<PretrainingOptions, 'folder' | 'signal' | 'onProgress' | 'settings'>;
}

const BATCH = 64;

/** Encodes pictures (B, H, W, 3) from -1 to 1 as the transformer takes them. */
export type EncodePictures = (pictures: tf.Tensor4D) => tf.Tensor;

/** Pre-trains the transformer of a pipeline, in place. @returns What the last evaluation found. */
export async function pretrainTransformer(
  pipeline: ShapesPipeline,
  encode: EncodePictures,
  settings: TransformerSettings,
  folder: string,
  onProgress: PretrainingOptions['onProgress'],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const { config, batchSize, noiseShift, pictures, kindWeights, options } = settings;
  const key = RandomKey.fromSeed(options.seed);
  const prompts = loadShapesPrompts(join(__dirname, '..', 'train.jsonl'));
  const data = makeData(pipeline, encode, prompts, settings, key.fold('pictures'));
  const judged = PROMPT_KINDS.flatMap((kind) => {
    const list = prompts.filter((prompt) => prompt.kind === kind);
    return Array.from({ length: settings.judgedOfAKind }, (_, at) => list[at % list.length]);
  });
  const task = new FlowMatchingTask({
    transformer: pipeline.compiledTransformer,
    modelConfig: { ...pipeline.modelConfig, algorithm: 'dpo' },
    data,
    batchSize,
    noiseShift,
    evaluate: async () => {
      const { rewards } = await evaluatePolicy(
        pipeline,
        { prompts: judged, reward: 'shapes_exact' },
        {
          reward: 'shapes_exact',
          numInferenceSteps: 10,
          trueCfgScale: 1,
          guidanceScale: 1,
          negativePrompt: ' ',
          microBatchSize: settings.judgedOfAKind * 3,
          compile: true,
          padTokensTo: 4,
        },
        signal,
      );
      return byKind(rewards, judged);
    },
  });
  try {
    return await pretrain(task, {
      ...options,
      folder,
      signal,
      onProgress,
      settings: { config, batchSize, noiseShift, pictures, kindWeights },
    });
  } finally {
    data.latents.dispose();
    disposeEmbeddings(data.embeddings);
  }
}

/** Encoded pictures with the embeddings of their prompts. */
function makeData(
  pipeline: ShapesPipeline,
  encode: EncodePictures,
  prompts: readonly ShapesPrompt[],
  { pictures, kindWeights }: TransformerSettings,
  key: RandomKey,
): FlowMatchingData {
  const drawn = drawPictures(prompts, pictures, key);
  const parts: tf.Tensor[] = [];
  for (let at = 0; at < pictures; at += BATCH) {
    parts.push(tf.tidy(() => encode(toTensor(drawn.images.slice(at, at + BATCH)))));
  }
  const latents = tf.concat(parts);
  tf.dispose(parts);
  const rowOf = new Map(prompts.map(({ prompt }, row) => [prompt, row]));
  return {
    latents,
    promptRows: drawn.prompts.map(({ prompt }) => rowOf.get(prompt) as number),
    embeddings: embed(pipeline, prompts),
    weights: drawn.prompts.map(({ kind }) => kindWeights[kind] ?? 1),
  };
}

function embed(pipeline: ShapesPipeline, prompts: readonly ShapesPrompt[]) {
  const each = prompts.map(({ prompt }) => pipeline.encodePrompt([prompt]));
  const rows = each.map(({ embeds }) => tf.squeeze(embeds, [0]) as tf.Tensor2D);
  const joined = padEmbeddings(rows);
  const pooled = each.flatMap((one) => one.pooled ?? []);
  const all = pooled.length === 0 ? joined : { ...joined, pooled: tf.concat(pooled) };
  tf.dispose(rows);
  each.forEach(disposeEmbeddings);
  return all;
}

/** Share of right pictures, of all and of each kind. */
function byKind(
  rewards: readonly number[],
  prompts: readonly ShapesPrompt[],
): Record<string, number> {
  const share = (wanted: (prompt: ShapesPrompt) => boolean) => {
    const rows = rewards.filter((_, row) => wanted(prompts[row]));
    return rows.reduce((sum, value) => sum + value, 0) / rows.length;
  };
  return {
    correct: share(() => true),
    ...Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, share((one) => one.kind === kind)])),
  };
}
