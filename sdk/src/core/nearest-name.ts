import { editDistance } from './edit-distance';

/** How far a name is from one that it may be meant for: letters to insert, delete, replace or swap with their neighbour. */
export function misspelling(name: string, known: string): number {
  return editDistance(name, known, { swaps: true });
}

/**
 * The one of `names` that `name` was most likely meant to be, or null when there is none. The first of equals wins.
 *
 * @example
 * nearestName('leraning_rate', ['clip_ratio', 'learning_rate']); // 'learning_rate'
 */
export function nearestName(name: string, names: readonly string[]): string | null {
  const distances = names.map((known) => misspelling(name, known));
  return names[distances.indexOf(Math.min(...distances))] ?? null;
}
