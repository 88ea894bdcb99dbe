import assert from 'node:assert/strict';
import {
  getReward,
  loadShapesPrompts,
  RandomKey,
  renderDigits,
  renderPrompt,
  rewardRegistry,
  type PixelImage,
  type PromptRecord,
} from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { every } from './every';

describe('rewards contract', function () {
  this.timeout(300_000);
  before(registerDocumentedParts);
  after(unregisterDocumentedParts);

  // Pictures of the wrong prompt as well, so that rewards differ.
  const shapes = loadShapesPrompts('datasets/shapes/held-out.jsonl').slice(0, 5);
  const digits = ['7', '40', '123', '5', '66'].map((text) => ({
    prompt: `the number ${text}`,
    text,
  }));
  const made = <Prompt>(
    prompts: Prompt[],
    draw: (prompt: Prompt, key: RandomKey) => PixelImage,
  ) => ({
    records: prompts as unknown as PromptRecord[],
    images: prompts.map((_, at) => draw(prompts[at < 3 ? at : 0], RandomKey.fromSeed(at))),
  });
  const worlds = {
    shapes: made(shapes, renderPrompt),
    digits: made(digits, ({ text }, key) => renderDigits(text, key)),
  };
  /** Pictures and records that a reward can rate. */
  const worldOf = (name: string) => (name === 'digits_text' ? worlds.digits : worlds.shapes);
  const rate = (name: string, pictures: PixelImage[], records: readonly PromptRecord[]) =>
    getReward(name)(pictures, [...records], { signal: null });

  it('every reward gives one finite number a picture, and none for none', () =>
    every(rewardRegistry.names(), async (name) => {
      const { images, records } = worldOf(name);
      const values = await rate(name, images, records);
      assert.equal(values.length, images.length);
      assert.ok(values.every(Number.isFinite));
      assert.deepEqual(await rate(name, [], []), []);
    }));

  it('every reward says the same of a picture again, alone, and in any order', () =>
    every(rewardRegistry.names(), async (name) => {
      const { images, records } = worldOf(name);
      const values = await rate(name, images, records);
      assert.deepEqual(await rate(name, images, records), values);
      const order = [3, 0, 4, 2, 1];
      const shuffled = await rate(
        name,
        order.map((at) => images[at]),
        order.map((at) => records[at]),
      );
      assert.deepEqual(
        shuffled,
        order.map((at) => values[at]),
      );
      assert.deepEqual(await rate(name, [images[2]], [records[2]]), [values[2]]);
    }));

  it('every reward leaves pictures and records as they are', () =>
    every(rewardRegistry.names(), async (name) => {
      const { images, records } = worldOf(name);
      const copy = () => structuredClone({ images, records });
      const before = copy();
      await rate(name, images, records);
      assert.deepEqual(copy(), before);
    }));

  it('every reward tells some pictures apart', () =>
    every(rewardRegistry.names(), async (name) => {
      const { images, records } = worldOf(name);
      assert.ok(new Set(await rate(name, images, records)).size > 1);
    }));
});
