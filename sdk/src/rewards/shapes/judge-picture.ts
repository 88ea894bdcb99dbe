import type { PixelImage } from '../../core/pixel-image';
import { detectObjects, type FoundObject } from './detect-objects';
import { distanceAlong, type Relation, type ShapesPrompt, type WantedObject } from './world';

/** What the verifier says of one picture. */
export interface Verdict {
  /** Exactly the wanted objects, in the wanted relation. */
  correct: boolean;
  /** Partial credit between 0 and 1; 1 if and only if correct. */
  reward: number;
  /** The verdict in words, for captions. */
  explanation: string;
  found: FoundObject[];
}

/** More patches than this are a broken picture: no matching is tried. */
const MAXIMUM_OBJECTS = 6;
/** A relation holds from this many pixels on. */
const RELATION_PIXELS = 10;

const PLURALS: Record<string, string> = { cross: 'crosses' };

/** Objects by their names, with how many there are of each. */
function countNames(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function inWords(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'nothing';
  return [...counts]
    .map(([name, count]) => {
      if (count === 1) return `1 ${name}`;
      const shape = name.split(' ').pop() as string;
      return `${count} ${name.slice(0, -shape.length)}${PLURALS[shape] ?? `${shape}s`}`;
    })
    .join(', ');
}

/** What was found and what was asked, which is not named again where it is the same in another number. */
function compareInWords(found: Map<string, number>, asked: Map<string, number>): string {
  const [[name, count]] = asked;
  const differsInNumber = asked.size === 1 && found.size === 1 && found.has(name);
  return `${inWords(found)} found, ${differsInNumber ? count : inWords(asked)} asked`;
}

/** Every way to give `count` different indices below `total`, in order. */
function* arrangements(total: number, count: number, taken: number[] = []): Generator<number[]> {
  if (taken.length === count) {
    yield taken;
    return;
  }
  for (let index = 0; index < total; index++) {
    if (!taken.includes(index)) yield* arrangements(total, count, [...taken, index]);
  }
}

/** Half for the shape and half for the colour; the whole for the shape when no colour is asked. */
function credit(wanted: WantedObject, found: FoundObject): number {
  if (wanted.color === null) return found.shape === wanted.shape ? 1 : 0;
  const forShape = found.shape === wanted.shape ? 0.5 : 0;
  const forColor = found.shape !== null && found.color === wanted.color ? 0.5 : 0;
  return forShape + forColor;
}

function relationHolds(relation: Relation, first: FoundObject, second: FoundObject): boolean {
  return distanceAlong(relation, second.x - first.x, second.y - first.y) >= RELATION_PIXELS;
}

/** How well one assignment of found objects to wanted ones does. */
interface Match {
  reward: number;
  /** All objects are right, and only the relation between them is not. */
  relationFailed: boolean;
}

function scorePairs(
  pairs: [WantedObject, FoundObject][],
  relation: Relation | null,
  larger: number,
): Match {
  const share = pairs.reduce((sum, [wanted, found]) => sum + credit(wanted, found), 0) / larger;
  const holds =
    relation === null || (pairs.length === 2 && relationHolds(relation, pairs[0][1], pairs[1][1]));
  return { reward: holds ? share : share / 2, relationFailed: share === 1 && !holds };
}

/** The best assignment of the smaller set of objects into the larger one. */
function bestMatch(wanted: WantedObject[], found: FoundObject[], relation: Relation | null): Match {
  const larger = Math.max(wanted.length, found.length);
  const smaller = Math.min(wanted.length, found.length);
  let best: Match = { reward: 0, relationFailed: false };
  for (const indices of arrangements(larger, smaller)) {
    const pairs = indices.map((index, at): [WantedObject, FoundObject] =>
      found.length === larger ? [wanted[at], found[index]] : [wanted[index], found[at]],
    );
    const match = scorePairs(pairs, relation, larger);
    if (match.reward > best.reward) best = match;
  }
  return best;
}

/**
 * Judges whether a picture shows what a prompt of the shapes world asks for.
 *
 * The reward is the best, over all assignments of found to wanted objects, of the summed credits
 * divided by max(wanted, found); a failed relation halves it.
 *
 * @example
 * const prompt: ShapesPrompt = {
 *   prompt: 'a red circle',
 *   kind: 'colors',
 *   objects: [{ shape: 'circle', color: 'red' }],
 *   relation: null,
 * };
 * judgePicture(renderPrompt(prompt, RandomKey.fromSeed(1)), prompt); // { correct: true, reward: 1 }
 */
export function judgePicture(image: PixelImage, { objects, relation }: ShapesPrompt): Verdict {
  const found = detectObjects(image);
  const seen = countNames(
    found.map(({ shape, color }) => `${color ?? 'off-colour'} ${shape ?? 'blob'}`),
  );
  const asked = countNames(
    objects.map(({ shape, color }) => (color === null ? shape : `${color} ${shape}`)),
  );
  const { reward, relationFailed } =
    found.length > MAXIMUM_OBJECTS
      ? { reward: 0, relationFailed: false }
      : bestMatch(objects, found, relation);
  const correct = reward === 1;
  const explanation = correct
    ? `${inWords(seen)} found`
    : relationFailed
      ? `${inWords(seen)} found, but not ${relation}`
      : compareInWords(seen, asked);
  return { correct, reward, explanation, found };
}
