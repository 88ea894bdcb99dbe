import { join } from 'node:path';
import { countedPrompts, loadShapesPrompts, type ShapesPrompt } from '@flowbook/sdk';
import { DATASET } from './places';

export function trainPrompts(): ShapesPrompt[] {
  return loadShapesPrompts(join(DATASET, 'train.jsonl'));
}

/** What recipes learn from: the trained prompts with partial credit, the share of right pictures beside it. */
export function partialCredit() {
  return { prompts: trainPrompts(), reward: 'shapes', monitors: { exact: 'shapes_exact' } };
}

/** Held-out prompts of the kinds that are really split. */
export function heldOutPrompts(): ShapesPrompt[] {
  return countedPrompts(trainPrompts(), loadShapesPrompts(join(DATASET, 'held-out.jsonl')));
}
