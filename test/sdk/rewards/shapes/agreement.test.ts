import assert from 'node:assert/strict';
import {
  detectObjects,
  judgePicture,
  loadShapesPrompts,
  placeObjects,
  RandomKey,
  renderScene,
  type PlacedObject,
  type ShapesPrompt,
} from '@flowbook/sdk';
import { isFast, isLong } from '../../../long-run';

const prompts = ['train', 'held-out'].flatMap((name) =>
  loadShapesPrompts(`datasets/shapes/${name}.jsonl`),
);
const SCENES = isFast ? 2_000 : 10_000;

/** Whether a scene is what a prompt asks for, from what was placed instead of from pixels. */
function isRight(placed: readonly PlacedObject[], { objects, relation }: ShapesPrompt): boolean {
  if (placed.length !== objects.length) return false;
  const fits = (order: readonly PlacedObject[]) =>
    order.every(({ shape, color }, at) => {
      const wanted = objects[at];
      return shape === wanted.shape && (wanted.color ?? color) === color;
    });
  const holds = ([first, second]: readonly PlacedObject[]) => {
    const distances = {
      'left of': () => second.x - first.x,
      'right of': () => first.x - second.x,
      above: () => second.y - first.y,
      below: () => first.y - second.y,
    };
    return relation === null || distances[relation]() >= 10;
  };
  return permutations(placed).some((order) => fits(order) && holds(order));
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
  );
}

describe('renderer and verifier', function () {
  this.timeout(600_000);
  // The same scenes each time; the long run draws others.
  const key = RandomKey.fromSeed(isLong ? Date.now() : 11);

  it(`agree on ${SCENES} random scenes, judged by their own prompts and by another`, () => {
    let othersRight = 0;
    for (let scene = 0; scene < SCENES; scene++) {
      const draw = key.fold(scene);
      const prompt = prompts[draw.fold('prompt').integer(0, prompts.length)];
      const placed = placeObjects(prompt, draw.fold('places'));
      const image = renderScene(placed);
      const verdict = judgePicture(image, prompt);
      const where = `${prompt.prompt}, key ${key.words}, scene ${scene}: ${verdict.explanation}`;
      assert.deepEqual([verdict.correct, verdict.reward], [true, 1], where);
      assert.ok(isRight(placed, prompt), where);

      // Of the same kind, so that some are right by chance.
      const alike = prompts.filter(({ kind }) => kind === prompt.kind);
      const other = alike[draw.fold('other').integer(0, alike.length)];
      const byOther = judgePicture(image, other);
      assert.equal(byOther.correct, isRight(placed, other), `${where}; as ${other.prompt}`);
      if (byOther.correct && other !== prompt) othersRight++;
    }
    assert.ok(othersRight > 0, 'some pictures are right for other prompts too');
  });

  it('agree on what is where, to a pixel', () => {
    for (let scene = 0; scene < 100; scene++) {
      const draw = key.fold('where', scene);
      const placed = placeObjects(prompts[draw.integer(0, prompts.length)], draw.fold('places'));
      const found = detectObjects(renderScene(placed));
      const names = (objects: readonly { shape: string | null; color: string | null }[]) =>
        objects.map(({ shape, color }) => `${color} ${shape}`).sort();
      assert.deepEqual(names(found), names(placed));
      for (const { x, y } of placed) {
        assert.ok(found.some((one) => Math.abs(one.x - x) <= 1 && Math.abs(one.y - y) <= 1));
      }
    }
  });
});
