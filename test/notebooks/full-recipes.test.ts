import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline, tf, type RolloutPipeline } from '@flowbook/sdk';
import { readClaims } from '../../notebooks/full/claims';
import { curveEvaluation } from '../../notebooks/full/held-out';
import { recipeName } from '../../notebooks/full/recipe';
import { FULL_RUNS, RECIPES } from '../../notebooks/full/recipes';

const root = join(__dirname, '../..');
const notebookOf = (name: string) => join(root, 'notebooks', `${name}.ipynb`);

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
    for (const { number, settings, comparison } of FULL_RUNS) {
      if (comparison === undefined) continue;
      const compared = RECIPES.find((recipe) => recipe.number === number);
      assert.deepEqual(Object.keys(settings).sort(), Object.keys(compared?.settings ?? {}).sort());
      assert.notDeepEqual(settings, compared?.settings);
    }
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
