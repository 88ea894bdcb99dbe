import { join } from 'node:path';
import { countedPrompts, loadShapesPrompts, type ShapesPrompt } from '@flowbook/sdk';

const DATASET = join(__dirname, '../../datasets/shapes');

export function trainPrompts(): ShapesPrompt[] {
  return loadShapesPrompts(join(DATASET, 'train.jsonl'));
}

/** Held-out prompts of the kinds that are really split. */
export function heldOutPrompts(): ShapesPrompt[] {
  return countedPrompts(trainPrompts(), loadShapesPrompts(join(DATASET, 'held-out.jsonl')));
}
