import {
  COLORS,
  judgePicture,
  placeObjects,
  RandomKey,
  renderScene,
  SHAPES,
  type ColorName,
  type PlacedObject,
  type ShapesPrompt,
} from '@flowbook/sdk';

/** What makes the worse picture worse. */
const FLAWS = ['color', 'shape', 'missing', 'relation'] as const;
type Flaw = (typeof FLAWS)[number];

/** Every pair follows from it. */
const SEED = 1;

function pick<Item>(items: readonly Item[], key: RandomKey): Item {
  return items[key.integer(0, items.length)];
}

function flawsOf({ objects, relation }: ShapesPrompt): Flaw[] {
  const possible: Record<Flaw, boolean> = {
    color: objects.some(({ color }) => color !== null),
    shape: true,
    missing: objects.length > 1,
    relation: relation !== null,
  };
  return FLAWS.filter((flaw) => possible[flaw]);
}

function spoil(scene: readonly PlacedObject[], flaw: Flaw, key: RandomKey): PlacedObject[] {
  const at = key.fold('object').integer(0, scene.length);
  const change = (changed: Partial<PlacedObject>) =>
    scene.map((object, index) => (index === at ? { ...object, ...changed } : object));
  switch (flaw) {
    case 'color': {
      const others = (Object.keys(COLORS) as ColorName[]).filter((c) => c !== scene[at].color);
      return change({ color: pick(others, key.fold('color')) });
    }
    case 'shape': {
      const others = SHAPES.filter((shape) => shape !== scene[at].shape);
      return change({ shape: pick(others, key.fold('shape')) });
    }
    case 'missing':
      return scene.filter((_, index) => index !== at);
    case 'relation': {
      const [first, second] = scene;
      return [
        { ...first, x: second.x, y: second.y },
        { ...second, x: first.x, y: first.y },
      ];
    }
  }
}

/** One pair a prompt: a picture that is right, and the same with one flaw. */
export function shapesPairs(prompts: readonly ShapesPrompt[]): object[] {
  return prompts.map((prompt, index) => {
    const key = RandomKey.fromSeed(SEED).fold('pair', index);
    const flaw = pick(flawsOf(prompt), key.fold('flaw'));
    const win = placeObjects(prompt, key.fold('places'));
    const lose = spoil(win, flaw, key.fold('spoil'));
    return {
      uid: `shapes-${index}`,
      data_source: 'shapes',
      prompt: prompt.prompt,
      kind: prompt.kind,
      flaw,
      win_score: judgePicture(renderScene(win), prompt).reward,
      lose_score: judgePicture(renderScene(lose), prompt).reward,
      scene_win: win,
      scene_lose: lose,
    };
  });
}
