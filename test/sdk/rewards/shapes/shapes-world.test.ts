import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  COLORS,
  RandomKey,
  SHAPES,
  detectObjects,
  judgePicture,
  loadShapesPrompts,
  parseShapesPrompt,
  renderPrompt,
  type ColorName,
} from '@flowbook/sdk';
import { isLong } from '../../../long-run';
import { picture } from './scenes';

const folder = join(__dirname, '../../../../datasets/shapes');
const train = loadShapesPrompts(join(folder, 'train.jsonl'));
const heldOut = loadShapesPrompts(join(folder, 'held-out.jsonl'));

describe('detectObjects()', () => {
  for (const shape of SHAPES) {
    for (const color of Object.keys(COLORS) as ColorName[]) {
      it(`finds a ${color} ${shape} where it is`, () => {
        const [found, ...others] = detectObjects(picture(`${color} ${shape} 40 24`));
        assert.deepEqual([found.shape, found.color, others.length], [shape, color, 0]);
        assert.ok(Math.abs(found.x - 40) <= 1 && Math.abs(found.y - 24) <= 1);
      });
    }
  }

  it('sees two touching shapes of one colour as one blob without a form', () => {
    const found = detectObjects(picture('red square 20 24', 'red square 32 24'));
    assert.deepEqual(
      found.map(({ shape }) => shape),
      [null],
    );
  });
});

describe('renderPrompt()', () => {
  it('draws pictures that the verifier passes, for every prompt', () => {
    const repeats = isLong ? 20 : 2;
    for (const [index, prompt] of [...train, ...heldOut].entries()) {
      for (let repeat = 0; repeat < repeats; repeat++) {
        const image = renderPrompt(prompt, RandomKey.fromSeed(7).fold(index, repeat));
        const verdict = judgePicture(image, prompt);
        assert.equal(verdict.correct, true, `${prompt.prompt}: ${verdict.explanation}`);
      }
    }
  });

  it('draws the same picture for the same key', () => {
    const draw = () => renderPrompt(train[10], RandomKey.fromSeed(3)).data;
    assert.deepEqual(draw(), draw());
  });
});

describe('shapes prompts', () => {
  it('keep held-out combinations apart from trained ones, single objects excepted', () => {
    const trained = new Set(train.map(({ prompt }) => prompt));
    const shared = heldOut.filter(({ prompt }) => trained.has(prompt));
    assert.deepEqual([...new Set(shared.map(({ kind }) => kind))], ['single_object']);
    assert.equal(shared.length, 4);
  });

  it('are refused with the field that is wrong', () => {
    assert.throws(
      () =>
        parseShapesPrompt({
          prompt: 'a star',
          kind: 'colors',
          objects: [{ shape: 'star', color: null }],
          relation: null,
        }),
      /Cannot judge a prompt as objects\.0\.shape must follow datasets\/shapes/,
    );
  });
});
