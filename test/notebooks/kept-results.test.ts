import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateWeights } from '../../notebooks/full/evaluate-weights';
import { RESULTS } from '../../notebooks/full/places';
import { recipeOf } from '../../notebooks/full/recipes';
import { readResult } from '../../notebooks/full/result';
import { isLong } from '../long-run';

const LARGEST_WEIGHTS = 3e6;

/** Pictures that may be judged otherwise on another processor, whose sums differ in the last bits. */
const TOLERANCE = 0.01;

/** How far a control may rise by chance: it learns nothing. */
const CHANCE = 0.05;

const kept = readdirSync(RESULTS).filter((name) => /^\d\d-.*-seed\d+\.json$/.test(name));

describe('results that are kept', function () {
  this.timeout(300_000);

  for (const name of kept) {
    it(`${name} is whole, with weights of at most 3 MB and a picture beside it`, () => {
      const result = readResult(join(RESULTS, name));
      const stem = name.replace(/\.json$/, '');
      assert.equal(stem, `${result.recipe}-seed${result.seed}`);
      assert.ok(result.pictures >= 1024, `${result.pictures} pictures`);
      assert.ok(existsSync(join(RESULTS, `${stem}.png`)));
      assert.ok(statSync(join(RESULTS, result.weights)).size <= LARGEST_WEIGHTS);
      assert.ok(result.curve.length > 2);
    });
  }

  for (const name of kept.filter((one) => one.startsWith('01-'))) {
    it(`${name} has a control, where it is made, that did not learn`, () => {
      const { before, control } = readResult(join(RESULTS, name));
      if (control !== null) assert.ok(control <= before + CHANCE, `${before} to ${control}`);
    });
  }

  for (const name of isLong ? kept : kept.slice(0, 1)) {
    it(`${name} comes out again when its pictures are made anew`, async () => {
      const result = readResult(join(RESULTS, name));
      const recipe = recipeOf(result);
      const before = await evaluateWeights(recipe, null, null);
      const after = await evaluateWeights(recipe, join(RESULTS, result.weights), null);
      assert.ok(Math.abs(before.accuracy - result.before) <= TOLERANCE, `${before.accuracy}`);
      assert.ok(Math.abs(after.accuracy - result.after) <= TOLERANCE, `${after.accuracy}`);
    });
  }
});
