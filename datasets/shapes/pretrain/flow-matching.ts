import { join } from 'node:path';
import {
  FlowMatchingTask,
  PROMPT_KINDS,
  PromptCache,
  RandomKey,
  disposeEmbeddings,
  embedRows,
  evaluatePolicy,
  loadShapesPrompts,
  pretrain,
  tf,
  type FlowMatchingData,
  type PretrainingOptions,
  type PromptKind,
  type ShapesPrompt,
} from '@flowbook/sdk';
import { drawPictures, inBatches } from './pictures';
import type { ShapesPipeline } from './shapes-pipeline';

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

/** Pre-trains the transformer of a pipeline, in place. @returns What the last evaluation found. */
export async function pretrainTransformer(
  pipeline: ShapesPipeline,
  settings: TransformerSettings,
  folder: string,
  onProgress: PretrainingOptions['onProgress'],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const { config, batchSize, noiseShift, pictures, kindWeights, options } = settings;
  const key = RandomKey.fromSeed(options.seed);
  const prompts = loadShapesPrompts(join(__dirname, '..', 'train.jsonl'));
  const data = makeData(pipeline, prompts, settings, key.fold('pictures'));
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
      const { exact } = await evaluatePolicy(
        pipeline,
        { prompts: judged, verdict: 'shapes_exact' },
        {
          reward: 'shapes',
          microBatchSize: settings.judgedOfAKind * 3,
          compile: true,
          padTokensTo: 4,
        },
        signal,
      );
      return { correct: exact!.share, ...exact!.byKind };
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
  prompts: readonly ShapesPrompt[],
  { pictures, kindWeights }: TransformerSettings,
  key: RandomKey,
): FlowMatchingData {
  const drawn = drawPictures(prompts, pictures, key);
  const latents = inBatches(drawn.images, (batch) =>
    pipeline.encodeImages(tf.transpose(batch, [0, 3, 1, 2])),
  );
  const cache = new PromptCache();
  const words = prompts.map(({ prompt }) => prompt);
  const embeddings = embedRows(pipeline, cache, words, { groupSize: 1, padTokensTo: 1 });
  cache.dispose();
  const rowOf = new Map(prompts.map(({ prompt }, row) => [prompt, row]));
  return {
    latents,
    promptRows: drawn.prompts.map(({ prompt }) => rowOf.get(prompt) as number),
    embeddings,
    weights: drawn.prompts.map(({ kind }) => kindWeights[kind] ?? 1),
  };
}
