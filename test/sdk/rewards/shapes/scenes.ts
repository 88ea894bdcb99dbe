import type { PixelImage } from '../../../../sdk/src/core/pixel-image';
import {
  parseShapesPrompt,
  renderScene,
  type PlacedObject,
  type ShapesPrompt,
} from '@flowbook/sdk';

/** A prompt of the shapes world from short words: `wanted('a red circle', 'circle red')`. */
export function wanted(
  prompt: string,
  objects: string[],
  relation: ShapesPrompt['relation'] = null,
): ShapesPrompt {
  return parseShapesPrompt({
    prompt,
    kind: relation ? 'position' : 'two_object',
    objects: objects.map((words) => {
      const [shape, color = null] = words.split(' ');
      return { shape, color };
    }),
    relation,
  });
}

/** A picture from short words: `picture('red circle 8 24')`. */
export function picture(...objects: string[]): PixelImage {
  return renderScene(
    objects.map((words) => {
      const [color, shape, x, y] = words.split(' ');
      return { color, shape, x: Number(x), y: Number(y) } as PlacedObject;
    }),
  );
}
