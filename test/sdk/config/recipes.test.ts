import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRunConfig } from '@flowbook/sdk';
import { flatKeys } from './flat-keys';

/** Overrides, and what Hydra 1.3.8 makes of them over verl-omni's YAML, as far as it differs from the defaults. */
interface Recipe {
  name: string;
  overrides: string[];
  changes: Record<string, unknown>;
}

const recipes: Recipe[] = JSON.parse(readFileSync(join(__dirname, 'recipes.json'), 'utf8'));

/** Keys that upstream's YAML has not: they follow keys that a recipe may set. */
const OURS =
  /\.(?:output_type|aspect_ratio)$|(?:model|val_kwargs)\.algo\.(?:sample_strategy|iters_per_group|sde_window_seed)$|reward_functions\.\w+\.required$/;

describe('loadRunConfig() with the overrides of a verl-omni recipe', () => {
  for (const { name, overrides, changes } of recipes) {
    it(`resolves ${name} to the values that Hydra gives`, () => {
      const engine = overrides.filter((override) => override.startsWith('diffusion/'));
      const defaults = flatKeys(loadRunConfig(null, engine).toJSON());
      const run = loadRunConfig(null, overrides);
      const values = flatKeys(run.toJSON());
      for (const [key, value] of Object.entries(changes)) {
        assert.deepEqual(values.get(key), value, key);
      }
      for (const [key, value] of values) {
        if (key in changes || OURS.test(key)) continue;
        assert.deepEqual(value, defaults.get(key), key);
      }
      assert.deepEqual(loadRunConfig(run.toYaml()).toJSON(), run.toJSON());
    });
  }
});
