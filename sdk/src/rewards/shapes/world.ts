/** Side of a picture of the shapes world, in pixels. */
export const PICTURE_SIDE = 64;

/** Size of a drawn shape, in pixels. */
export const SHAPE_SIDE = 12;

/** The colour of empty ground, as red, green, blue. */
export const BACKGROUND: Rgb = [236, 236, 230];

/** The named colours of the world, as red, green, blue. */
export const COLORS = {
  red: [214, 40, 40],
  green: [44, 160, 60],
  blue: [40, 80, 220],
  yellow: [245, 205, 40],
  purple: [150, 50, 190],
  black: [30, 30, 30],
} as const satisfies Record<string, Rgb>;

/** The shapes of the world. */
export const SHAPES = ['circle', 'square', 'triangle', 'cross'] as const;

/** GenEval's six kinds of prompt. */
export const PROMPT_KINDS = [
  'single_object',
  'two_object',
  'counting',
  'colors',
  'position',
  'color_attr',
] as const;

/** Where the first object lies, seen from the second: "a circle left of a square". */
export const RELATIONS = ['left of', 'right of', 'above', 'below'] as const;

/** Red, green and blue, each from 0 to 255. */
export type Rgb = readonly [number, number, number];
/** A colour of the world. */
export type ColorName = keyof typeof COLORS;
/** A shape of the world. */
export type ShapeName = (typeof SHAPES)[number];
/** What a prompt tries, in GenEval's words. */
export type PromptKind = (typeof PROMPT_KINDS)[number];
/** Where the first object lies, seen from the second. */
export type Relation = (typeof RELATIONS)[number];

/** One object that a prompt asks for; a null colour may be any. */
export interface WantedObject {
  shape: ShapeName;
  color: ColorName | null;
}

/** A prompt of the shapes world with what a picture must show to be right. A type, so that it is a `PromptRecord`. */
export type ShapesPrompt = {
  prompt: string;
  kind: PromptKind;
  objects: WantedObject[];
  /** Holds between the first and the second object, or null. */
  relation: Relation | null;
};

/**
 * How far the second object lies along a relation's own axis: positive when the relation holds.
 *
 * @param dx From the first object to the second, in pixels to the right.
 * @param dy In pixels downwards.
 *
 * @example
 * distanceAlong('above', 3, 20); // 20
 */
export function distanceAlong(relation: Relation, dx: number, dy: number): number {
  switch (relation) {
    case 'left of':
      return dx;
    case 'right of':
      return -dx;
    case 'above':
      return dy;
    case 'below':
      return -dy;
  }
}
