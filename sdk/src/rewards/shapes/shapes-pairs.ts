import { z } from 'zod';
import type { PixelImage } from '../../core/pixel-image';
import { showValue } from '../../core/show-value';
import { readJsonLines } from '../../io/json-lines';
import { renderScene } from './render-scene';
import { COLORS, PICTURE_SIDE, SHAPES, type ColorName } from './world';

/** Two pictures of one prompt, of which one is better: what offline Diffusion-DPO learns from. */
export interface ShapesPair {
  uid: string;
  prompt: string;
  chosen: PixelImage;
  rejected: PixelImage;
  /** What the verifier gives the two pictures. */
  winScore: number;
  loseScore: number;
}

const sceneSchema = z.array(
  z.object({
    shape: z.enum(SHAPES),
    color: z.enum(Object.keys(COLORS) as [ColorName, ...ColorName[]]),
    x: z.number().min(0).max(PICTURE_SIDE),
    y: z.number().min(0).max(PICTURE_SIDE),
  }),
);

const pairSchema = z
  .object({
    uid: z.string().min(1),
    prompt: z.string().min(1),
    scene_win: sceneSchema,
    scene_lose: sceneSchema,
    win_score: z.number(),
    lose_score: z.number(),
  })
  .refine(({ win_score, lose_score }) => win_score >= lose_score, {
    path: ['win_score'],
    message: 'must be at least lose_score',
  });

function pairOf(record: unknown, number: number, path: string): ShapesPair {
  const result = pairSchema.safeParse(record);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new Error(
      `Cannot read pairs from "${path}" as ${issue.path.join('.') || 'the record'} of line ${number} breaks its rule (${issue.message}): current value is ${showValue(record)}`,
    );
  }
  const { uid, prompt, scene_win, scene_lose, win_score, lose_score } = result.data;
  return {
    uid,
    prompt,
    chosen: renderScene(scene_win),
    rejected: renderScene(scene_lose),
    winScore: win_score,
    loseScore: lose_score,
  };
}

/**
 * Reads pairs of the shapes world and draws their pictures, for `trainDiffusionDPO` and `OfflineDPOTrainer`.
 *
 * @param path A JSONL file such as `datasets/shapes/pairs.jsonl`.
 * @throws When a line breaks a rule; the message names it, from 1.
 * @example
 * const [pair] = loadShapesPairs('datasets/shapes/pairs.jsonl');
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'dpo', height: 64, width: 64 });
 * const trainer = new OfflineDPOTrainer(pipeline, { pairs: [pair] });
 * trainer.dispose();
 */
export function loadShapesPairs(path: string): ShapesPair[] {
  return readJsonLines(path).map((record, index) => pairOf(record, index + 1, path));
}
