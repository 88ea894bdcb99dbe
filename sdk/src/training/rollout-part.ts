import type { PixelImage } from '../core/pixel-image';
import type { RandomKey } from '../core/random-key';
import type { RolloutTensors } from '../pipelines';
import { tf } from '../tensorflow';
import { groupNoise } from './group-noise';
import type { TrainablePipeline } from './trainable-pipeline';

/** How the pictures of a part are made. */
export interface RolloutPartSettings {
  /** First step with noise and one past the last. */
  window: readonly [number, number];
  /** Whether the pictures of a group start from the same noise. */
  sameInitialNoise: boolean;
  numInferenceSteps: number;
  trueCfgScale: number;
  guidanceScale: number | null;
  noiseLevel: number;
  sdeType: string;
  /** In pixels. */
  height: number;
  /** In pixels. */
  width: number;
  /** Run the transformer as one compiled graph. */
  compile: boolean;
}

/** Embeddings of a part's pictures, by `forward`'s names; what a pipeline does not have is null. */
export type PartEmbeddings = Record<
  | 'promptEmbeds'
  | 'promptEmbedsMask'
  | 'pooledPromptEmbeds'
  | 'negativePromptEmbeds'
  | 'negativePromptEmbedsMask'
  | 'negativePooledPromptEmbeds',
  tf.Tensor | null
>;

/**
 * Some pictures of a rollout, one micro-batch: what they are is a function of this and of the weights, wherever they are
 * made and however often.
 */
export interface RolloutPart {
  /** Of the rollout. */
  key: RandomKey;
  /** Pictures for each prompt. */
  groupSize: number;
  /** Number of the part's first picture among all of the rollout's. */
  start: number;
  /** Number of pictures. */
  size: number;
  settings: RolloutPartSettings;
  /** Makes the embeddings when they are needed; whoever asks disposes them. */
  embeddings(): PartEmbeddings;
}

/** A part with the texts of its pictures, for programs that embed them by themselves. */
export interface PromptedPart extends RolloutPart {
  /** One for each picture. */
  prompts: readonly string[];
  /** What guidance leads away from; null without guidance. */
  negativePrompt: string | null;
}

/** What a part became. Whoever gets it owns the tensors. */
export interface RolledOutPart {
  tensors: RolloutTensors;
  images: PixelImage[];
}

/**
 * Makes the pictures of a part.
 *
 * @param onDenoised Called when denoising is over: the pipeline may be asked for another part.
 * @throws The signal's reason once it is aborted.
 */
export async function rollOutPart(
  pipeline: Pick<TrainablePipeline, 'forward'>,
  { key, groupSize, start, size, settings, ...part }: RolloutPart,
  signal: AbortSignal | null | undefined,
  onDenoised: (() => void) | null = null,
): Promise<RolledOutPart> {
  const { window, sameInitialNoise, guidanceScale, ...forward } = settings;
  const rows = Array.from({ length: size }, (_, at) => ({
    group: key.fold('group', Math.floor((start + at) / groupSize)),
    place: (start + at) % groupSize,
  }));
  const embeddings = part.embeddings();
  try {
    const { output, customOutput } = await pipeline.forward(
      {},
      {
        ...(embeddings as object),
        ...forward,
        generator: groupNoise(rows, { window, sameInitialNoise }),
        guidanceScale: guidanceScale ?? undefined,
        sdeWindowSize: window[1] - window[0],
        sdeWindowRange: window,
        onDenoised,
        signal,
      },
    );
    return { tensors: customOutput, images: output as PixelImage[] };
  } finally {
    tf.dispose(Object.values(embeddings).filter((tensor) => tensor !== null));
  }
}

/** Frees a part's tensors. */
export function disposePart({ tensors }: RolledOutPart): void {
  tf.dispose(Object.values(tensors).filter((tensor) => tensor instanceof tf.Tensor));
}
