import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadPipeline, tf, type RolloutPipeline } from '@flowbook/sdk';
import { readClaims } from '../../notebooks/full/claims';
import { curveEvaluation } from '../../notebooks/full/held-out';
import { recipeName, type FullRecipe } from '../../notebooks/full/recipe';
import { FULL_RUNS, RECIPES } from '../../notebooks/full/recipes';

const root = join(__dirname, '../..');
const notebookOf = (name: string) => join(root, 'notebooks', `${name}.ipynb`);

/** The settings that each comparison is about. */
const COMPARED_IN: Record<string, string[]> = {
  '03-without-ratio-norm': ['lossMode'],
  '04-all-steps-trained': ['sampleStrategy', 'sdeWindowRange', 'sdeWindowSize'],
  '06-without-mask': ['lossConfig.kl_mask_threshold'],
};

/** Settings by name, those of an object as `object.name`. */
function flat(settings: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const entries = Object.entries(settings).flatMap(([name, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner])
      : [[name, value]],
  );
  return new Map(entries);
}

describe('full recipes', () => {
  it('stand in the order of their numbers, each beside the notebook that explains it', () => {
    const numbers = RECIPES.map(({ number }) => number);
    assert.deepEqual(numbers, [...new Set(numbers)].sort());
    for (const { number, name } of RECIPES) {
      assert.ok(existsSync(notebookOf(`${number}-${name}`)), name);
    }
  });

  it('are claimed something of by their names', () => {
    const names = RECIPES.map(recipeName);
    for (const { recipe } of readClaims(join(root, 'notebooks/results/claims.json'))) {
      assert.ok(names.includes(recipe), recipe);
    }
  });

  it('are compared with runs that differ in what a claim is about, and in nothing else but steps', () => {
    const compared = FULL_RUNS.filter(({ comparison }) => comparison !== undefined);
    const found = compared.map((run) => {
      const recipe = RECIPES.find(({ number }) => number === run.number) as FullRecipe;
      assert.deepEqual([run.model, run.pipeline], [recipe.model, recipe.pipeline]);
      const [own, theirs] = [flat(run.settings), flat(recipe.settings)];
      const keys = [...new Set([...own.keys(), ...theirs.keys()])];
      const differ = keys.filter((key) => !isDeepStrictEqual(own.get(key), theirs.get(key)));
      return [recipeName(run), differ.sort()];
    });
    assert.deepEqual(Object.fromEntries(found), COMPARED_IN);
  });

  for (const recipe of FULL_RUNS) {
    it(`${recipe.name} makes a trainer of its settings, which leaves nothing behind`, async () => {
      const pipeline = await loadPipeline<RolloutPipeline>(
        join(root, recipe.model),
        recipe.pipeline,
      );
      try {
        const before = tf.memory().numTensors;
        const trainer = recipe.trainer(pipeline, {
          seed: 1,
          steps: 2,
          evaluation: curveEvaluation(1),
          resume: 'auto',
          runDirectory: join(root, 'runs'),
        });
        trainer.dispose();
        assert.equal(tf.memory().numTensors, before);
      } finally {
        pipeline.dispose();
      }
    });
  }
});
