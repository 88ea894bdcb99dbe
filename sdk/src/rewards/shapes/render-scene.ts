import type { PixelImage } from '../../core/pixel-image';
import type { RandomKey } from '../../core/random-key';
import {
  BACKGROUND,
  COLORS,
  PICTURE_SIDE,
  SHAPE_SIDE,
  distanceAlong,
  type ColorName,
  type Relation,
  type ShapeName,
  type ShapesPrompt,
} from './world';

/** One shape with its place, ready to be drawn. */
export interface PlacedObject {
  shape: ShapeName;
  color: ColorName;
  /** Centre, in pixels from the left and from the top. */
  x: number;
  y: number;
}

/** Samples along each side of a pixel, for smooth edges. */
const SAMPLES = 4;
/** Cells of 16 pixels along each side of the picture; a shape sits near the middle of its cell. */
const GRID = 4;
const CELL_SIDE = PICTURE_SIDE / GRID;
/** A shape is off the middle of its cell by at most this many pixels. */
const JITTER = 1;

function contains(shape: ShapeName, dx: number, dy: number): boolean {
  const half = SHAPE_SIDE / 2;
  const arm = SHAPE_SIDE / 6;
  switch (shape) {
    case 'circle':
      return dx * dx + dy * dy <= half * half;
    case 'square':
      return Math.abs(dx) <= half && Math.abs(dy) <= half;
    case 'triangle':
      return Math.abs(dy) <= half && Math.abs(dx) <= (dy + half) / 2;
    case 'cross':
      return (
        (Math.abs(dx) <= half && Math.abs(dy) <= arm) ||
        (Math.abs(dy) <= half && Math.abs(dx) <= arm)
      );
  }
}

/** Share of a pixel that a shape covers, from 0 to 1. */
function coverage({ shape, x, y }: PlacedObject, column: number, row: number): number {
  let inside = 0;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      const dx = column + (j + 0.5) / SAMPLES - x;
      const dy = row + (i + 0.5) / SAMPLES - y;
      if (contains(shape, dx, dy)) inside++;
    }
  }
  return inside / SAMPLES ** 2;
}

/**
 * Draws placed shapes on the world's background, later ones on top.
 *
 * @param objects Where their centres are, in pixels.
 * @returns 64 x 64 pixels.
 *
 * @example
 * const image = renderScene([{ shape: 'square', color: 'blue', x: 20, y: 40 }]);
 * detectObjects(image).map(({ color, shape }) => `${color} ${shape}`); // ['blue square']
 */
export function renderScene(objects: PlacedObject[]): PixelImage {
  const values = new Float64Array(3 * PICTURE_SIDE ** 2).map((_, index) => BACKGROUND[index % 3]);
  for (const object of objects) {
    const reach = SHAPE_SIDE / 2 + 1;
    const first = (center: number) => Math.max(0, Math.floor(center - reach));
    const last = (center: number) => Math.min(PICTURE_SIDE, Math.ceil(center + reach));
    for (let row = first(object.y); row < last(object.y); row++) {
      for (let column = first(object.x); column < last(object.x); column++) {
        const share = coverage(object, column, row);
        COLORS[object.color].forEach((level, channel) => {
          const at = 3 * (row * PICTURE_SIDE + column) + channel;
          values[at] = values[at] * (1 - share) + level * share;
        });
      }
    }
  }
  const data = Uint8Array.from(values, Math.round);
  return { width: PICTURE_SIDE, height: PICTURE_SIDE, channels: 3, data };
}

type Cell = { column: number; row: number };

function cellsAgree(cells: Cell[], relation: Relation | null): boolean {
  const apart = cells.every((a, i) =>
    cells
      .slice(i + 1)
      .every((b) => Math.max(Math.abs(a.column - b.column), Math.abs(a.row - b.row)) >= 2),
  );
  if (!apart || relation === null) return apart;
  const dx = cells[1].column - cells[0].column;
  const dy = cells[1].row - cells[0].row;
  const along = distanceAlong(relation, dx, dy);
  const across = relation === 'left of' || relation === 'right of' ? dy : dx;
  return along >= 2 && along > Math.abs(across);
}

/**
 * Places the objects of a prompt: cells of a 4 by 4 grid that do not touch, even at a corner; a
 * relation puts the second object at least two cells further along its axis. Colours that the
 * prompt leaves open are drawn at random.
 *
 * @param key Two equal keys give equal scenes.
 *
 * @example
 * const [prompt] = loadShapesPrompts('datasets/shapes/train.jsonl');
 * const scene = placeObjects(prompt, RandomKey.fromSeed(1));
 * scene.map(({ shape }) => shape); // ['circle']
 */
export function placeObjects({ objects, relation }: ShapesPrompt, key: RandomKey): PlacedObject[] {
  for (let attempt = 0; ; attempt++) {
    const draw = key.fold(attempt);
    const cells = objects.map((_, at) => ({
      column: draw.fold(at, 'column').integer(0, GRID),
      row: draw.fold(at, 'row').integer(0, GRID),
    }));
    if (!cellsAgree(cells, relation)) continue;
    const names = Object.keys(COLORS) as ColorName[];
    const center = (cell: number, jitter: RandomKey) =>
      (cell + 0.5) * CELL_SIDE + jitter.integer(-JITTER, JITTER + 1);
    return objects.map(({ shape, color }, at) => ({
      shape,
      color: color ?? names[draw.fold(at, 'color').integer(0, names.length)],
      x: center(cells[at].column, draw.fold(at, 'x')),
      y: center(cells[at].row, draw.fold(at, 'y')),
    }));
  }
}

/**
 * Draws a picture that is right for a prompt.
 *
 * @example
 * const [prompt] = loadShapesPrompts('datasets/shapes/held-out.jsonl');
 * const image = renderPrompt(prompt, RandomKey.fromSeed(1));
 * judgePicture(image, prompt).correct; // true
 */
export function renderPrompt(prompt: ShapesPrompt, key: RandomKey): PixelImage {
  return renderScene(placeObjects(prompt, key));
}
