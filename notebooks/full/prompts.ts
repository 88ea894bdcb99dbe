import { join } from 'node:path';
import { loadShapesPrompts, type ShapesPrompt } from '@flowbook/sdk';

const DATASET = join(__dirname, '../../datasets/shapes');

/** Kinds that are too small to be split, so that training sees what would be held out. */
const UNSPLIT = ['single_object'];

export function trainPrompts(): ShapesPrompt[] {
  return loadShapesPrompts(join(DATASET, 'train.jsonl'));
}

/** Held-out prompts whose kind training cannot know by heart. */
export function heldOutPrompts(): ShapesPrompt[] {
  const all = loadShapesPrompts(join(DATASET, 'held-out.jsonl'));
  return all.filter(({ kind }) => !UNSPLIT.includes(kind));
}
