import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRunLog } from '@flowbook/sdk';
import { heldOutEvaluation } from '../../notebooks/full/held-out';
import { policyGradientRecipe, policyGradientSettings } from '../../notebooks/full/policy-gradient';
import type { FullRecipe } from '../../notebooks/full/recipe';
import { readResult, type RecipeResult } from '../../notebooks/full/result';
import { runRecipe } from '../../notebooks/full/run-recipe';

const NAME = '99-made-up-seed7';

/** A full run of two short steps. */
function recipeOf(comparison?: string): FullRecipe {
  const settings = { ...policyGradientSettings, promptsPerStep: 2, groupSize: 4 };
  return policyGradientRecipe({ number: '99', name: 'made-up', comparison, steps: 2, settings });
}

describe('runRecipe()', function () {
  this.timeout(300_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'run-recipe-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const places = () => ({ results: join(folder, 'results'), runs: join(folder, 'runs') });

  /** Runs it, and gives what it says; with `until`, it is stopped once it says that. */
  async function run(recipe: FullRecipe, until?: RegExp): Promise<string[]> {
    const controller = new AbortController();
    const said: string[] = [];
    const onProgress = (line: string) => {
      said.push(line);
      if (until?.test(line)) controller.abort(new Error('stopped by the test'));
    };
    const { signal } = controller;
    await runRecipe(recipe, { seed: 7, signal, onProgress, places: places() });
    return said;
  }

  const result = (): RecipeResult => readResult(join(places().results, `${NAME}.json`));

  it('keeps a result with a curve, weights, a picture and a control, goes on where it was stopped, and makes nothing twice', async () => {
    await assert.rejects(run(recipeOf(), /held-out pictures/), /stopped by the test/);
    const trained = join(places().runs, NAME);
    const log = readFileSync(join(trained, 'log.jsonl'), 'utf8');
    assert.deepEqual(
      readRunLog(trained).lines.map(({ step }) => step),
      [0, 1, 2],
    );

    const said = await run(recipeOf());
    assert.equal(readFileSync(join(trained, 'log.jsonl'), 'utf8'), log, 'was trained again');
    const { results } = places();
    const ends = ['json', 'png', 'safetensors'].map((end) => `${NAME}.${end}`);
    assert.deepEqual(readdirSync(results).sort(), ends);
    const { recipe, seed, before, after, control, pictures, curve, kinds, weights } = result();
    assert.deepEqual([recipe, seed, weights], ['99-made-up', 7, `${NAME}.safetensors`]);
    const { prompts, picturesPerPrompt = 0 } = heldOutEvaluation();
    assert.equal(pictures, prompts.length * picturesPerPrompt);
    const ofBase = readResult(join(__dirname, '../../notebooks/results/01-flow-grpo-seed1.json'));
    assert.ok(Math.abs(before - ofBase.before) < 0.01, `${before} before`);
    assert.deepEqual(
      curve.map(({ step }) => step),
      [0, 1, 2],
    );
    assert.ok(control !== null);
    assert.deepEqual(said.slice(1), [
      `${NAME}: ${before} before, ${after} after`,
      `${NAME}: ${control} with shuffled advantages`,
    ]);
    for (const [kind, { before: share }] of Object.entries(kinds)) {
      assert.ok(Math.abs(share - ofBase.kinds[kind].before) < 0.05, kind);
    }
    const shuffled = readRunLog(join(places().runs, `${NAME}-control`)).lines;
    const own = readRunLog(trained).lines;
    assert.equal(shuffled[1].reward, own[1].reward, 'the first rollout is the same');
    assert.notEqual(shuffled[1].gradNorm, own[1].gradNorm, 'what is learned from it is not');

    const json = readFileSync(join(results, `${NAME}.json`), 'utf8');
    assert.deepEqual(await run(recipeOf()), []);
    assert.equal(readFileSync(join(results, `${NAME}.json`), 'utf8'), json);

    writeFileSync(join(results, `${NAME}.json`), JSON.stringify({ ...result(), control: null }));
    assert.deepEqual(await run(recipeOf('what is compared has no control')), []);
  });
});
