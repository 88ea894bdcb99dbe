import {
  COLORS,
  combinationOf,
  PROMPT_KINDS,
  RELATIONS,
  SHAPES,
  type ColorName,
  type PromptKind,
  type Relation,
  type ShapeName,
  type ShapesPrompt,
} from '@flowbook/sdk';
import { PythonRandom } from '../../sdk/src/core/python-random';

const COLOR_NAMES = Object.keys(COLORS) as ColorName[];
const COUNTS = [
  ['two', 2],
  ['three', 3],
] as const;

/** Which combinations are held out follows from it, and from the kind's name. */
const SPLIT_SEED = 0;

/** A prompt, and the words by which combinations are sorted before they are drawn. */
interface Entry {
  prompt: ShapesPrompt;
  words: string[];
}

const plural = (shape: ShapeName) => `${shape}${shape === 'cross' ? 'es' : 's'}`;

function pairsOf<Item>(items: readonly Item[]): [Item, Item][] {
  return items.flatMap((a) => items.flatMap((b) => (a === b ? [] : [[a, b] as [Item, Item]])));
}

function entry(
  kind: PromptKind,
  prompt: string,
  objects: [ShapeName, ColorName | null][],
  words: string[],
  relation: Relation | null = null,
): Entry {
  const wanted = objects.map(([shape, color]) => ({ shape, color }));
  return { prompt: { prompt, kind, objects: wanted, relation }, words };
}

/** Every prompt of the world. Those of equal words mean the same picture. */
function allPrompts(): Entry[] {
  const single = SHAPES.map((a) => entry('single_object', `a ${a}`, [[a, null]], [a]));
  const colors = COLOR_NAMES.flatMap((c) =>
    SHAPES.map((a) => entry('colors', `a ${c} ${a}`, [[a, c]], [c, a])),
  );
  const counting = COUNTS.flatMap(([word, count]) =>
    COLOR_NAMES.flatMap((c) =>
      SHAPES.map((a) => {
        const objects = Array.from({ length: count }, () => [a, c] as [ShapeName, ColorName]);
        return entry('counting', `${word} ${c} ${plural(a)}`, objects, [word, c, a]);
      }),
    ),
  );
  return [...single, ...colors, ...counting, ...pairsOf(SHAPES).flatMap(promptsOfTwo)];
}

function promptsOfTwo([a, b]: [ShapeName, ShapeName]): Entry[] {
  const both: [ShapeName, null][] = [
    [a, null],
    [b, null],
  ];
  const position = RELATIONS.map((relation) => {
    const turned = { 'right of': 'left of', below: 'above' }[relation as string];
    const words = turned ? [b, turned, a] : [a, relation, b];
    return entry('position', `a ${a} ${relation} a ${b}`, both, words, relation);
  });
  const colored = pairsOf(COLOR_NAMES).map(([c, d]) => {
    const sides = [
      [c, a],
      [d, b],
    ].sort(compareWords);
    const objects: [ShapeName, ColorName][] = [
      [a, c],
      [b, d],
    ];
    return entry('color_attr', `a ${c} ${a} and a ${d} ${b}`, objects, sides.flat());
  });
  return [entry('two_object', `a ${a} and a ${b}`, both, [a, b].sort()), ...position, ...colored];
}

function compareWords(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((word, index) => word !== other[index]);
  return at < 0 ? 0 : one[at] < other[at] ? -1 : 1;
}

/** Combinations of a kind that are held out: a quarter of them. */
function drawHeldOut(kind: PromptKind, entries: readonly Entry[]): Set<string> {
  const combinations = new Map(
    entries.map(({ prompt, words }) => [combinationOf(prompt), words] as const),
  );
  const sorted = [...combinations].sort(([, one], [, other]) => compareWords(one, other));
  new PythonRandom(`${SPLIT_SEED}${kind}`).shuffle(sorted);
  return new Set(sorted.slice(0, Math.round(sorted.length / 4)).map(([name]) => name));
}

/**
 * All prompts of the shapes world, a quarter of each kind's combinations held out. The single objects are too few to split:
 * they stand on both sides.
 */
export function shapesPrompts(): { train: ShapesPrompt[]; heldOut: ShapesPrompt[] } {
  const all = allPrompts();
  const train: ShapesPrompt[] = [];
  const heldOut: ShapesPrompt[] = [];
  for (const kind of PROMPT_KINDS) {
    const entries = all.filter(({ prompt }) => prompt.kind === kind);
    const held = drawHeldOut(kind, entries);
    for (const { prompt } of entries) {
      const isHeld = held.has(combinationOf(prompt));
      if (kind === 'single_object' || !isHeld) train.push(prompt);
      if (kind === 'single_object' || isHeld) heldOut.push(prompt);
    }
  }
  return { train, heldOut };
}
