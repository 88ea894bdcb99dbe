import {
  ANYTHING,
  checkOptions,
  COUNT_OR_INFINITY,
  FUNCTION,
  number,
  orNull,
  required,
  SIGNAL,
  SWITCH,
  TEXT,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import type { PixelImage } from '../core/pixel-image';
import type { RandomKey } from '../core/random-key';
import { showValue } from '../core/show-value';
import { disposeEmbeddings } from '../pipelines';
import type { PromptRecord } from '../rewards';
import { lastWindowStart, type SdeWindow, type WindowPlace } from '../schedulers';
import { embedRows } from './embed-rows';
import { PromptCache } from './prompt-cache';
import { RolloutBatch, concatRollouts } from './rollout-batch';
import { makeParts } from './make-parts';
import { KEY, STEPS } from './material-rules';
import type { PromptedPart, RolledOutPart } from './rollout-part';
import type { RolloutPlace } from './rollout-workers';
import { sliceRows } from './slice-rows';
import type { TrainablePipeline } from './trainable-pipeline';
import { STEP_DEFAULTS } from './step-defaults';

/** How groups are rolled out. */
export interface RolloutGroupsOptions {
  /** Everything random follows from it. */
  key: RandomKey;
  /** Pictures for each prompt. Default 16. */
  groupSize?: number;
  /** Whether the pictures of a group start from the same noise. Default true. */
  sameInitialNoise?: boolean;
  /** Denoising steps. Default: the pipeline's configuration. */
  numInferenceSteps?: number;
  /** Scale of Qwen-Image's true classifier-free guidance. Default: the pipeline's configuration. */
  trueCfgScale?: number;
  /** Scale of Stable Diffusion 3's guidance, or of distilled guidance. Default: the pipeline's configuration. */
  guidanceScale?: number | null;
  /** What guidance leads away from. Default ' '. */
  negativePrompt?: string;
  /** eta within the window. Default 0.7. */
  noiseLevel?: number;
  /** Default 'sde'. */
  sdeType?: string;
  /** Steps that get noise. Default 2. */
  sdeWindowSize?: number;
  /** Where the window may lie; one is drawn for all groups. Default [0, 5]. */
  sdeWindowRange?: readonly [number, number];
  /** The window itself, which is not drawn then. Default: drawn as the two above say. */
  window?: readonly [number, number] | null;
  /** Pictures that go through the model at once. Default: all. */
  microBatchSize?: number;
  /** Run the transformer as one compiled graph. Default false. */
  compile?: boolean;
  /**
   * Embeddings are padded to a multiple of this many tokens, so that shapes recur, where the transformer leaves
   * padding out. Default 1.
   */
  padTokensTo?: number;
  /** Embeddings that are kept between calls. Default: none are. */
  promptCache?: PromptCache | null;
  /** Makes each micro-batch elsewhere, with the weights of a version that was published. Default: here. */
  elsewhere?: RolloutPlace | null;
  /**
   * Gets the pictures of each micro-batch, in order, while the next one is denoised; a promise is waited for, and the
   * micro-batch after the next one waits for it.
   */
  onPictures?: ((images: PixelImage[], prompts: PromptRecord[]) => void | Promise<void>) | null;
  /** Default: the running cell's signal. */
  signal?: AbortSignal | null;
}

const COUNT = wholeNumber(1);

/** What the options of `rolloutGroups` must be. */
export const ROLLOUT_GROUPS_RULES: Rules<RolloutGroupsOptions> = {
  key: required(KEY),
  groupSize: COUNT,
  sameInitialNoise: SWITCH,
  numInferenceSteps: COUNT,
  trueCfgScale: number(),
  guidanceScale: orNull(number()),
  negativePrompt: TEXT,
  noiseLevel: number({ least: 0 }),
  sdeType: TEXT,
  sdeWindowSize: COUNT,
  sdeWindowRange: STEPS,
  window: orNull(STEPS),
  microBatchSize: COUNT_OR_INFINITY,
  compile: SWITCH,
  padTokensTo: COUNT,
  promptCache: ANYTHING,
  elsewhere: ANYTHING,
  onPictures: orNull(FUNCTION),
  signal: orNull(SIGNAL),
};

/**
 * Rolls out a group of pictures for each prompt, with one SDE window for all.
 *
 * Each picture's noise is a function of the key, its prompt's place and its place in the group: the
 * size of micro-batches does not change it.
 *
 * @param prompts One record a group.
 * @returns The pictures, group by group, with their trajectories. The caller disposes it.
 * @throws When there is no such option or one breaks its rule, there are no prompts or they are no records, and when the window does not
 *   fit.
 * @example
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key: RandomKey.fromSeed(1), groupSize: 4 });
 * batch.tensors.all_log_probs?.shape; // [4, 2]
 */
export async function rolloutGroups(
  pipeline: TrainablePipeline,
  prompts: readonly PromptRecord[],
  options: RolloutGroupsOptions,
): Promise<RolloutBatch> {
  checkOptions('roll out', options, ROLLOUT_GROUPS_RULES);
  const { pipeline: config } = pipeline.modelConfig;
  const {
    key,
    groupSize = STEP_DEFAULTS.groupSize,
    sameInitialNoise = STEP_DEFAULTS.sameInitialNoise,
    numInferenceSteps = config.num_inference_steps,
    trueCfgScale = config.true_cfg_scale,
    guidanceScale = config.guidance_scale,
    negativePrompt = STEP_DEFAULTS.negativePrompt,
    noiseLevel = STEP_DEFAULTS.noiseLevel,
    sdeType = STEP_DEFAULTS.sdeType,
    sdeWindowSize = STEP_DEFAULTS.sdeWindowSize,
    sdeWindowRange = STEP_DEFAULTS.sdeWindowRange,
    microBatchSize = Infinity,
    compile = false,
    padTokensTo = 1,
    promptCache = null,
    elsewhere = null,
    onPictures = null,
    signal,
  } = options;
  const window = placeWindow(key, options.window, {
    size: sdeWindowSize,
    range: sdeWindowRange,
    steps: numInferenceSteps,
  });
  if (prompts.length === 0 || prompts.some((record) => typeof record?.prompt !== 'string')) {
    throw new Error(
      `Cannot roll out as prompts must be records with a text as prompt, one at least: current value is ${showValue(prompts)}`,
    );
  }
  const B = prompts.length * groupSize;
  const cache = promptCache ?? new PromptCache();
  const layout = { groupSize, padTokensTo };
  const texts = prompts.map(({ prompt }) => prompt);
  const isGuided = pipeline.cfgScale({ trueCfgScale, guidanceScale: guidanceScale ?? 0 }) > 1;
  await cache.load(pipeline, isGuided ? [...texts, negativePrompt] : texts);
  const positive = embedRows(pipeline, cache, texts, layout);
  const negative = isGuided
    ? embedRows(pipeline, cache, Array<string>(prompts.length).fill(negativePrompt), layout)
    : null;
  const settings = {
    window,
    sameInitialNoise,
    numInferenceSteps,
    trueCfgScale,
    guidanceScale,
    height: config.height,
    width: config.width,
    noiseLevel,
    sdeType,
    compile,
  };
  const allEmbeddings = {
    promptEmbeds: positive.embeds,
    promptEmbedsMask: positive.mask,
    pooledPromptEmbeds: positive.pooled ?? null,
    negativePromptEmbeds: negative?.embeds ?? null,
    negativePromptEmbedsMask: negative?.mask ?? null,
    negativePooledPromptEmbeds: negative?.pooled ?? null,
  };
  const promptOf = (row: number) => prompts[Math.floor(row / groupSize)];
  const parts: PromptedPart[] = [];
  for (let start = 0; start < B; start += microBatchSize) {
    const size = Math.min(microBatchSize, B - start);
    const embeddings = () => sliceRows(allEmbeddings, start, size, B);
    parts.push({
      ...{ key, groupSize, start, size, settings, embeddings },
      prompts: Array.from({ length: size }, (_, at) => promptOf(start + at).prompt),
      negativePrompt: negative === null ? null : negativePrompt,
    });
  }
  let done: RolledOutPart[];
  try {
    const take = async ({ start }: PromptedPart, { images }: RolledOutPart) =>
      onPictures?.(
        images,
        images.map((_, at) => promptOf(start + at)),
      );
    done = await makeParts(pipeline, parts, take, { elsewhere, signal });
  } finally {
    disposeEmbeddings(positive);
    disposeEmbeddings(negative);
    if (promptCache === null) cache.dispose();
  }
  const rows = Array.from({ length: B }, (_, row) => row);
  return new RolloutBatch(concatRollouts(done.map(({ tensors }) => tensors)), {
    images: done.flatMap(({ images }) => images),
    prompts: rows.map(promptOf),
    groups: rows.map((row) => Math.floor(row / groupSize)),
    height: config.height,
    width: config.width,
    window,
  });
}

/** The window that all groups of a step share: the one that was given, or one that is drawn. */
function placeWindow(
  key: RandomKey,
  given: SdeWindow | null | undefined,
  { size, range, steps }: Required<WindowPlace>,
): SdeWindow {
  if (given) {
    const [start, end] = given;
    if (!(0 <= start && start < end && end <= steps)) {
      throw new Error(
        `Cannot place an SDE window as window must be its first step and one past its last, within the ${steps} steps: current value is [${start}, ${end}]`,
      );
    }
    return given;
  }
  const start = key.fold('window').integer(range[0], lastWindowStart({ size, range, steps }) + 1);
  return [start, start + size];
}
