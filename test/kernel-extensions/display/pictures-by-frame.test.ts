import assert from 'node:assert/strict';
import { attentionMaps, comparePictures, filmstrip } from '@flowbook/kernel-extensions';
import { frameSeries, pictureOf, tensorOf, trajectory } from './samples';

describe('filmstrip()', () => {
  it('begins at the last frame, the picture, and keeps all frames in order', () => {
    const labels = ['noise', 'half', 'picture'];
    const { frames, spec, text } = filmstrip(frameSeries(3), { labels });
    assert.deepEqual(frames?.labels, labels);
    assert.equal(frames?.start, 2);
    assert.equal(new Set(frames?.tracks[0].urls).size, 3);
    assert.equal((spec.params as { value: number }[])[0].value, 2);
    assert.match(text, /noise\nhalf\npicture$/);
  });

  it('names the states of a trajectory by their times', () => {
    assert.deepEqual(filmstrip(trajectory).frames?.labels, ['t 964', 't 923', 'last']);
  });

  it('refuses no frames, frames of two sizes, and other numbers of labels', () => {
    assert.throws(() => filmstrip([]), {
      message: 'Cannot draw a filmstrip as there must be at least one frame: current value is 0',
    });
    assert.throws(() => filmstrip([pictureOf(8, 8), pictureOf(8, 9)]), {
      message: 'Cannot draw a filmstrip as all frames must be 8 x 8 pixels: current value is 8 x 9',
    });
    assert.throws(() => filmstrip([pictureOf(8, 8)], { labels: [] }), {
      message:
        'Cannot draw a filmstrip as labels must be as many as the frames (1): current value is 0',
    });
  });
});

describe('comparePictures()', () => {
  it('counts what passes in each run, and goes through the prompts', () => {
    const pictures = [pictureOf(8, 8), pictureOf(8, 8, 20)];
    const { text, frames } = comparePictures(
      {
        before: { pictures, verdicts: [true, false] },
        after: { pictures, verdicts: [true, true] },
      },
      { prompts: ['one', 'two'] },
    );
    assert.match(text, /before: 1 of 2 pass {2}· {2}after: 2 of 2 pass/);
    assert.deepEqual(
      frames?.tracks.map(({ name, notes }) => [name, notes]),
      [
        ['before', ['✓', '✗']],
        ['after', ['✓', '✓']],
      ],
    );
    assert.deepEqual(frames?.labels, ['one', 'two']);
  });

  it('refuses one run, and a run with too few pictures', () => {
    const run = { pictures: [pictureOf(8, 8)] };
    assert.throws(() => comparePictures({ a: run }, { prompts: ['one'] }), {
      message: 'Cannot compare pictures as there must be at least two runs: current value is 1',
    });
    assert.throws(() => comparePictures({ a: run, b: { pictures: [] } }, { prompts: ['one'] }), {
      message:
        'Cannot compare pictures as "b" must have as many pictures as there are prompts (1): current value is 0',
    });
  });
});

describe('attentionMaps()', () => {
  // One head; two text tokens, then four image tokens: the last query looks at key 1 alone.
  const rows = Array.from({ length: 6 }, (_, query) =>
    query === 5 ? [0, 1, 0, 0, 0, 0] : [1, 0, 0, 0, 0, 0],
  );
  const weights = tensorOf([1, 1, 6, 6], rows.flat());

  it('shows where in the picture a token is looked at from', () => {
    const { text } = attentionMaps(weights, { grid: [2, 2], tokens: ['red', 'circle'] });
    assert.match(text, /red: mean 0\.75, largest 1 at row 0, column 0/);
    assert.match(text, /circle: mean 0\.25, largest 1 at row 1, column 1/);
  });

  it('refuses another shape, a head, a grid or tokens that are not there', () => {
    const said = (message: string) => ({ message: `Cannot draw attention as ${message}` });
    assert.throws(
      () => attentionMaps(tensorOf([6, 6], rows.flat())),
      said('weights must be (B, H, queries, keys): current value is (6, 6)'),
    );
    assert.throws(
      () => attentionMaps(weights, { head: 1 }),
      said('head must be 0 to 0 or "mean": current value is 1'),
    );
    assert.throws(
      () => attentionMaps(weights, { grid: [3, 3] }),
      said('grid must hold at most 6 queries: current value is 3 x 3'),
    );
    assert.throws(
      () => attentionMaps(weights, { tokens: Array.from('1234567') }),
      said('tokens must be at most 6: current value is 7'),
    );
  });
});
