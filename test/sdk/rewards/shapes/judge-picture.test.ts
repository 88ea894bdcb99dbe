import assert from 'node:assert/strict';
import { judgePicture } from '@flowbook/sdk';
import { picture, wanted } from './scenes';

describe('judgePicture()', () => {
  it('accepts exactly what was asked', () => {
    const verdict = judgePicture(
      picture('red circle 8 24', 'blue square 40 40'),
      wanted('a red circle and a blue square', ['circle red', 'square blue']),
    );
    assert.equal(verdict.correct, true);
    assert.equal(verdict.reward, 1);
    assert.equal(verdict.explanation, '1 red circle, 1 blue square found');
  });

  it('accepts any colour where none is asked', () => {
    const verdict = judgePicture(picture('purple cross 24 24'), wanted('a cross', ['cross']));
    assert.equal(verdict.correct, true);
  });

  it('counts, and says what was found and what was asked', () => {
    const verdict = judgePicture(
      picture('red circle 8 8', 'red circle 40 40'),
      wanted('three red circles', ['circle red', 'circle red', 'circle red']),
    );
    assert.equal(verdict.correct, false);
    assert.equal(verdict.reward, 2 / 3);
    assert.equal(verdict.explanation, '2 red circles found, 3 asked');
  });

  it('gives half the credit for the right shape in the wrong colour', () => {
    const verdict = judgePicture(
      picture('green circle 24 24'),
      wanted('a red circle', ['circle red']),
    );
    assert.equal(verdict.reward, 0.5);
    assert.equal(verdict.explanation, '1 green circle found, 1 red circle asked');
  });

  it('divides by the larger of the two numbers of objects', () => {
    const verdict = judgePicture(
      picture('red circle 8 8', 'red circle 40 40', 'red circle 8 40', 'red circle 40 8'),
      wanted('a red circle', ['circle red']),
    );
    assert.equal(verdict.reward, 1 / 4);
  });

  it('halves the reward when only the relation fails, and says so', () => {
    const prompt = wanted('a circle left of a square', ['circle', 'square'], 'left of');
    const right = judgePicture(picture('red circle 8 24', 'red square 40 24'), prompt);
    const wrong = judgePicture(picture('red circle 40 24', 'red square 8 24'), prompt);
    assert.equal(right.correct, true);
    assert.equal(wrong.reward, 0.5);
    assert.equal(wrong.explanation, '1 red square, 1 red circle found, but not left of');
  });

  for (const [relation, circle, square] of [
    ['left of', '8 24', '40 24'],
    ['right of', '40 24', '8 24'],
    ['above', '24 8', '24 40'],
    ['below', '24 40', '24 8'],
  ] as const) {
    it(`knows "${relation}" from its opposite`, () => {
      const prompt = wanted(`a circle ${relation} a square`, ['circle', 'square'], relation);
      const as = (a: string, b: string) =>
        judgePicture(picture(`red circle ${a}`, `blue square ${b}`), prompt).correct;
      assert.equal(as(circle, square), true);
      assert.equal(as(square, circle), false);
    });
  }

  it('gives nothing for an empty picture', () => {
    const verdict = judgePicture(picture(), wanted('a cross', ['cross']));
    assert.deepEqual(
      [verdict.correct, verdict.reward, verdict.explanation],
      [false, 0, 'nothing found, 1 cross asked'],
    );
  });

  it('does not depend on the order in which objects are found', () => {
    const prompt = wanted('a red circle and a blue square', ['circle red', 'square blue']);
    const one = judgePicture(picture('blue square 8 8'), prompt).reward;
    const other = judgePicture(picture('red circle 8 8'), prompt).reward;
    assert.equal(one, other);
  });
});
