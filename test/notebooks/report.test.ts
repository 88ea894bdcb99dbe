import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  claimSchema,
  measure,
  testClaim,
  withOutcome,
  type Claim,
} from '../../notebooks/full/claims';
import { lastMeans } from '../../notebooks/full/last-means';
import { recipeName } from '../../notebooks/full/recipe';
import { RECIPES } from '../../notebooks/full/recipes';
import { REPORT, readMeasured, reportText } from '../../notebooks/full/report';
import { recipeResult, type RecipeResult } from '../../notebooks/full/result';

const RECIPE = '99-made-up';

/** A result that no run has given. */
function madeUp(changes: Partial<RecipeResult> = {}): RecipeResult {
  return recipeResult.parse({
    recipe: RECIPE,
    seed: 1,
    commit: 'none',
    config: {},
    before: 0.5,
    after: 0.75,
    control: 0.25,
    pictures: 8,
    seconds: 100,
    kinds: { colors: { before: 0.5, after: 1 }, counting: { before: 0.5, after: 0.5 } },
    curve: [],
    last: { reward: 0.875, 'actor/implicit_acc': 0.625 },
    weights: 'none.safetensors',
    versions: {},
    machine: {},
    ...changes,
  });
}

const claimOf = (metric: string, threshold: number): Claim =>
  claimSchema.parse({ recipe: RECIPE, claim: 'it learns', metric, threshold });

const seeds = (...after: number[]) => after.map((one, at) => madeUp({ seed: at + 1, after: one }));

describe('measure()', () => {
  it('takes figures, logged numbers, and differences of two', () => {
    const result = madeUp();
    assert.equal(measure(result, 'after'), 0.75);
    assert.equal(measure(result, 'after - before'), 0.25);
    assert.equal(measure(result, 'after - control'), 0.5);
    assert.equal(measure(result, 'last/actor/implicit_acc'), 0.625);
    assert.equal(measure(result, 'last/reward - after'), 0.125);
  });

  it('compares with the result of the same seed', () => {
    const others = [1, 2].map((seed) =>
      madeUp({ recipe: '99-without-it', seed, after: seed / 4, last: { reward: seed / 8 } }),
    );
    const metric = 'after - 99-without-it/after';
    assert.equal(measure(madeUp(), metric, others), 0.5);
    assert.equal(measure(madeUp({ seed: 2 }), metric, others), 0.25);
    assert.equal(measure(madeUp({ seed: 3 }), metric, others), null);
    assert.equal(measure(madeUp({ seed: 2 }), '99-without-it/last/reward', others), 0.25);
    assert.throws(() => measure(madeUp(), '99-without-it/accuracy', others), /metric must be/);
  });

  it('is null where a run does not have the number', () => {
    assert.equal(measure(madeUp({ control: null }), 'after - control'), null);
    assert.equal(measure(madeUp(), 'last/other'), null);
    assert.equal(measure(madeUp({ last: undefined }), 'last/reward'), null);
  });

  it('refuses other metrics', () => {
    for (const metric of ['accuracy', 'after - before - control', 'after-before', '']) {
      assert.throws(() => measure(madeUp(), metric), {
        message: `Cannot measure a claim as its metric must be one of before, after, control, seconds, last/<name>, <comparison>/<figure>, or a difference of two: current value is ${metric}`,
      });
    }
  });
});

describe('testClaim()', () => {
  const claim = claimOf('after - before', 0.125);
  const verdict = (results: RecipeResult[], of = claim) => testClaim(of, results).verdict;

  it('holds when three runs reach the threshold, each by itself', () => {
    assert.equal(verdict(seeds(0.625, 0.75, 0.875)), 'holds');
    assert.equal(verdict(seeds(0.6, 0.9, 0.9)), 'does not hold');
  });

  it('does not hold from the first run that fails, and is open until the third one that does not', () => {
    assert.equal(verdict([]), 'not run yet');
    assert.equal(verdict(seeds(0.75, 0.75)), 'not run yet');
    assert.equal(verdict(seeds(0.5)), 'does not hold');
  });

  it('counts no run without the number, and none of another recipe', () => {
    const withoutControl = seeds(0.75, 0.75, 0.75).map((result) => ({ ...result, control: null }));
    const tested = testClaim(claimOf('after - control', 0.125), withoutControl);
    assert.deepEqual(tested.values, [null, null, null]);
    assert.equal(tested.verdict, 'not run yet');
    const others = seeds(0, 0, 0).map((result) => ({ ...result, recipe: '98-other' }));
    assert.equal(verdict(others), 'not run yet');
  });
});

describe('lastMeans()', () => {
  it('averages the last tenth of the steps, without an evaluation before them and what not every step has', () => {
    const log = Array.from({ length: 21 }, (_, step) => ({
      step,
      seconds: step,
      reward: step,
      ...(step === 20 && { 'evaluation/reward': 1 }),
    }));
    assert.deepEqual(lastMeans(log), { reward: 19.5 });
    assert.deepEqual(lastMeans([{ step: 1, seconds: 1, loss: NaN, reward: 2 }]), { reward: 2 });
    assert.deepEqual(lastMeans([]), {});
  });
});

describe('reportText()', () => {
  it('has a table a recipe, its mean over the seeds, its curves and its claims', () => {
    const text = reportText({
      results: seeds(0.75, 1).reverse(),
      claims: [claimOf('after - before', 0.125), claimOf('after', 2)],
      files: ['99-made-up-seed2.png'],
    });
    const lines = text.split('\n');
    const at = lines.indexOf('| seed | before | after | control | seconds | counting | colors |');
    assert.deepEqual(lines.slice(at + 2, at + 5), [
      '| 1 | 0.500 | 0.750 | 0.250 | 100 | 0.500 → 0.500 | 0.500 → 1.000 |',
      '| 2 | 0.500 | 1.000 | 0.250 | 100 | 0.500 → 0.500 | 0.500 → 1.000 |',
      '| mean | 0.500 | 0.875 | 0.250 | 100 | 0.500 → 0.500 | 0.500 → 1.000 |',
    ]);
    assert.ok(text.includes('![99-made-up-seed2](../notebooks/results/99-made-up-seed2.png)'));
    assert.ok(!text.includes('99-made-up-seed1.png'));
    const claims = lines.filter((line) => line.includes('it learns'));
    assert.deepEqual(claims, [
      '| 99-made-up | it learns | `after - before` ≥ 0.125 | 0.25, 0.5 | not run yet |',
      '| 99-made-up | it learns | `after` ≥ 2 | 0.75, 1 | does not hold |',
    ]);
  });

  it('says what was claimed and not run', () => {
    const text = reportText({ results: [], claims: [claimOf('after', 0.5)], files: [] });
    assert.ok(text.includes('| 99-made-up | it learns | `after` ≥ 0.5 |  | not run yet |'));
    assert.ok(text.endsWith('## 99-made-up\n\nNot run yet.\n'));
  });

  it('says what was chosen with held-out figures in sight, and what claims leave open, of recipes that there are', () => {
    const text = reportText({ results: [], claims: [], files: [] });
    const [, chosen, open] = text.split(/^## What .+$/m);
    assert.match(chosen, /held-out/);
    const { claims } = readMeasured();
    const compared = claims.filter(({ metric }) => /\d\d-[a-z-]+\//.test(metric));
    const failed = claims.filter(({ holds }) => holds === false);
    assert.match(
      chosen,
      new RegExp(`^Of the ${claims.length} claims ${claims.length - compared.length} `, 'm'),
    );
    assert.deepEqual(
      [compared.length, failed.length],
      [4, 5],
      'four others, and five that do not hold',
    );
    const named = [...open.matchAll(/^- (\d\d-[a-z-]+): /gm)].map(([, recipe]) => recipe);
    const names = RECIPES.map(recipeName);
    assert.ok(named.length > 0 && named.every((recipe) => names.includes(recipe)), named.join());
  });

  it('docs/results.md is what `npm run recipes -- --report` writes', () => {
    assert.equal(readFileSync(REPORT, 'utf8'), reportText(readMeasured()));
  });

  it('claims.json says of each claim what its runs came to, once there are three', () => {
    const { claims, results } = readMeasured();
    assert.deepEqual(
      claims,
      claims.map((claim) => withOutcome(testClaim(claim, results))),
    );
    const claim = { recipe: RECIPE, claim: 'rises', metric: 'after - before', threshold: 0.3 };
    const runs = [0.75, 0.85, 0.95].map((after, at) => madeUp({ seed: at + 1, after }));
    assert.deepEqual(withOutcome(testClaim(claim, runs.slice(0, 2))), claim);
    const outcome = { measured: 0.35, perSeed: [0.25, 0.35, 0.45], holds: false };
    assert.deepEqual(withOutcome(testClaim(claim, runs)), { ...claim, ...outcome });
  });

  it('claims that are kept can be measured, and are about recipes with a full run', () => {
    const names = RECIPES.map(recipeName);
    for (const { recipe, metric } of readMeasured().claims) {
      measure(madeUp(), metric);
      assert.ok(names.includes(recipe), recipe);
    }
  });
});
