import { PROMPT_KINDS, type PromptKind, type ShapesPrompt, type WantedObject } from './world';

/** How one kind of prompt is split. */
export interface SplitKind {
  kind: PromptKind;
  /** Numbers of prompts. */
  train: number;
  heldOut: number;
  /** Held-out prompts that mean the same picture as a trained one. */
  shared: number;
  /** Whether it says how a model does on what it has not seen: there are held-out prompts, and none is shared. */
  counts: boolean;
}

const nameOf = ({ shape, color }: WantedObject) => `${color ?? 'any'} ${shape}`;

/**
 * What a prompt asks for, the same for all prompts that mean the same picture.
 *
 * @example
 * const prompt = parseShapesPrompt({
 *   prompt: 'a red circle right of a blue square',
 *   kind: 'position',
 *   objects: [{ shape: 'circle', color: 'red' }, { shape: 'square', color: 'blue' }],
 *   relation: 'right of',
 * });
 * combinationOf(prompt); // 'blue square left of red circle'
 */
export function combinationOf({ objects, relation }: ShapesPrompt): string {
  const names = objects.map(nameOf);
  if (relation === null) return names.sort().join(', ');
  if (relation === 'right of') return `${names[1]} left of ${names[0]}`;
  if (relation === 'below') return `${names[1]} above ${names[0]}`;
  return `${names[0]} ${relation} ${names[1]}`;
}

/**
 * Says which kinds of prompt are really split: a kind that has too few combinations stands on both sides, and its share of
 * right pictures says nothing of what was held out.
 *
 * @returns One entry for each kind of the world, in its order.
 * @example
 * const [train, heldOut] = ['train', 'held-out'].map((name) => loadShapesPrompts(`datasets/shapes/${name}.jsonl`));
 * splitKinds(train, heldOut)[0]; // { kind: 'single_object', train: 4, heldOut: 4, shared: 4, counts: false }
 * splitKinds(train, heldOut)[1]; // { kind: 'two_object', train: 8, heldOut: 4, shared: 0, counts: true }
 */
export function splitKinds(
  train: readonly ShapesPrompt[],
  heldOut: readonly ShapesPrompt[],
): SplitKind[] {
  const trained = new Set(train.map(combinationOf));
  return PROMPT_KINDS.map((kind) => {
    const held = heldOut.filter((prompt) => prompt.kind === kind);
    const shared = held.filter((prompt) => trained.has(combinationOf(prompt))).length;
    return {
      kind,
      train: train.filter((prompt) => prompt.kind === kind).length,
      heldOut: held.length,
      shared,
      counts: held.length > 0 && shared === 0,
    };
  });
}

/**
 * The held-out prompts of the kinds that are really split: those that an evaluation before and after training is to count.
 *
 * @example
 * const [train, heldOut] = ['train', 'held-out'].map((name) => loadShapesPrompts(`datasets/shapes/${name}.jsonl`));
 * countedPrompts(train, heldOut).length; // 124
 */
export function countedPrompts(
  train: readonly ShapesPrompt[],
  heldOut: readonly ShapesPrompt[],
): ShapesPrompt[] {
  const counted = splitKinds(train, heldOut).flatMap(({ kind, counts }) => (counts ? [kind] : []));
  return heldOut.filter(({ kind }) => counted.includes(kind));
}
