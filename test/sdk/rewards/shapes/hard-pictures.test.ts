import assert from 'node:assert/strict';
import { judgePicture, type PixelImage, type Rgb, type ShapesPrompt } from '@flowbook/sdk';
import { blurred, box, ground, noisy, recolored } from './paint';
import { picture, wanted } from './scenes';

const RED: Rgb = [214, 40, 40];
const redCircle = wanted('a red circle', ['circle red']);
const redSquare = wanted('a red square', ['square red']);
const twoRedSquares = wanted('two red squares', ['square red', 'square red']);
const circleAndSquare = wanted('a red circle and a blue square', ['circle red', 'square blue']);
const leftOf = wanted('a circle left of a square', ['circle', 'square'], 'left of');

/** A picture that is hard to judge, with the verdict that it must get. */
interface HardPicture {
  what: string;
  image: PixelImage;
  prompt: ShapesPrompt;
  reward: number;
  explanation: string;
}

const accepted: Omit<HardPicture, 'reward'>[] = [];
const refused: HardPicture[] = [];
const accepts = (what: string, image: PixelImage, prompt: ShapesPrompt, explanation: string) =>
  accepted.push({ what, image, prompt, explanation });
const refuses = (
  what: string,
  image: PixelImage,
  prompt: ShapesPrompt,
  [reward, explanation]: [number, string],
) => refused.push({ what, image, prompt, reward, explanation });

accepts('soft edges', blurred(picture('red circle 24 24')), redCircle, '1 red circle found');
accepts(
  'noise of 24 levels on everything',
  noisy(picture('red circle 24 24', 'blue square 48 48'), 24, 1),
  circleAndSquare,
  '1 red circle, 1 blue square found',
);
accepts(
  'a speck of 19 pixels beside the shape',
  box(picture('red circle 24 24'), [40, 80, 220], [50, 50, 19, 1]),
  redCircle,
  '1 red circle found',
);
accepts(
  'single pixels of another colour all over the ground',
  Array.from({ length: 8 }, (_, at) => at).reduce(
    (image, at) => box(image, [30, 30, 30], [8 * at, 60, 1, 1]),
    picture('red circle 24 24'),
  ),
  redCircle,
  '1 red circle found',
);
accepts(
  'a shape that touches the border',
  picture('red square 6 6'),
  redSquare,
  '1 red square found',
);
accepts(
  'shapes of different colours that touch',
  picture('red circle 20 24', 'blue square 32 24'),
  circleAndSquare,
  '1 red circle, 1 blue square found',
);
accepts(
  'a square of 20 pixels',
  box(ground(), RED, [20, 20, 20, 20]),
  redSquare,
  '1 red square found',
);
accepts(
  'a square of 8 pixels',
  box(ground(), RED, [20, 20, 8, 8]),
  redSquare,
  '1 red square found',
);
accepts(
  'a colour 30 levels too bright',
  recolored(picture('red circle 24 24'), (level) => level + 30),
  redCircle,
  '1 red circle found',
);
accepts(
  'a grey circle where any colour will do',
  recolored(picture('black circle 24 24'), (level) => (level < 200 ? 120 : level)),
  wanted('a circle', ['circle']),
  '1 off-colour circle found',
);
accepts(
  'centres 10 pixels apart along the relation',
  picture('red circle 20 10', 'blue square 30 40'),
  leftOf,
  '1 red circle, 1 blue square found',
);

refuses('an empty picture', ground(), redCircle, [0, 'nothing found, 1 red circle asked']);
refuses(
  'shapes of one colour that touch',
  picture('red square 20 24', 'red square 32 24'),
  twoRedSquares,
  [0, '1 red blob found, 2 red squares asked'],
);
refuses('shapes that overlap', picture('red circle 24 24', 'blue square 30 24'), circleAndSquare, [
  0.5,
  '1 red blob, 1 blue square found, 1 red circle, 1 blue square asked',
]);
refuses('a bar', box(ground(), RED, [20, 20, 24, 4]), redSquare, [
  0,
  '1 red blob found, 1 red square asked',
]);
refuses('a square of 7 pixels', box(ground(), RED, [20, 20, 7, 7]), redSquare, [
  0,
  '1 red blob found, 1 red square asked',
]);
refuses('a square of 21 pixels', box(ground(), RED, [20, 20, 21, 21]), redSquare, [
  0,
  '1 red blob found, 1 red square asked',
]);
refuses('a picture full of one colour', box(ground(), RED, [0, 0, 64, 64]), redSquare, [
  0,
  '1 red blob found, 1 red square asked',
]);
refuses('a shape cut by the border', picture('red circle 0 24'), redCircle, [
  0,
  '1 red blob found, 1 red circle asked',
]);
refuses(
  'a speck of 20 pixels beside the shape',
  box(picture('red circle 24 24'), [40, 80, 220], [44, 50, 20, 1]),
  redCircle,
  [0.5, '1 red circle, 1 blue blob found, 1 red circle asked'],
);
refuses(
  'a grey circle, which is nearest to purple',
  recolored(picture('black circle 24 24'), (level) => (level < 200 ? 120 : level)),
  wanted('a purple circle', ['circle purple']),
  [0.5, '1 off-colour circle found, 1 purple circle asked'],
);
refuses(
  'one shape too few',
  picture('red square 8 8', 'red square 40 40'),
  wanted('three red squares', Array<string>(3).fill('square red')),
  [2 / 3, '2 red squares found, 3 asked'],
);
refuses('one shape too many', picture('red square 8 8', 'red square 40 40'), redSquare, [
  0.5,
  '2 red squares found, 1 asked',
]);
refuses(
  'colours that changed places',
  picture('blue circle 8 8', 'red square 40 40'),
  circleAndSquare,
  [0.5, '1 blue circle, 1 red square found, 1 red circle, 1 blue square asked'],
);
refuses(
  'centres 9 pixels apart along the relation',
  picture('red circle 20 10', 'blue square 29 40'),
  leftOf,
  [0.5, '1 red circle, 1 blue square found, but not left of'],
);
refuses(
  'a circle with a hole',
  box(picture('red circle 24 24'), [236, 236, 230], [21, 21, 6, 6]),
  redCircle,
  [0.5, '1 red cross found, 1 red circle asked'],
);

describe('hard pictures', () => {
  for (const { what, image, prompt, explanation } of accepted) {
    it(`judgePicture() accepts ${what}`, () => {
      const verdict = judgePicture(image, prompt);
      assert.deepEqual(
        [verdict.explanation, verdict.correct, verdict.reward],
        [explanation, true, 1],
      );
    });
  }

  for (const { what, image, prompt, reward, explanation } of refused) {
    it(`judgePicture() refuses ${what}`, () => {
      const verdict = judgePicture(image, prompt);
      assert.deepEqual(
        [verdict.explanation, verdict.correct, verdict.reward],
        [explanation, false, reward],
      );
    });
  }

  it('judgePicture() refuses pure noise, whatever is asked', () => {
    for (let seed = 0; seed < 20; seed++) {
      const noise = noisy(
        recolored(ground(), () => 128),
        127,
        seed,
      );
      for (const prompt of [redCircle, circleAndSquare, leftOf]) {
        const { correct, explanation } = judgePicture(noise, prompt);
        assert.equal(correct, false, explanation);
      }
    }
  });

  it('judgePicture() judges large pictures as well', () => {
    const full = box(ground(1024), RED, [0, 0, 1024, 1024]);
    assert.equal(judgePicture(full, redSquare).explanation, '1 red blob found, 1 red square asked');
  });
});
