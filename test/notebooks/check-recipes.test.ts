import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkNotebook } from '../../kernel-extensions/src/export/check-notebook';
import { isLong, runResumably } from '../long-run';

const notebooks = join(__dirname, '../../notebooks');
const names = readdirSync(notebooks).filter((name) => name.endsWith('.ipynb'));

// `npm test` compares what the recipes print; this, every last expression too.
if (isLong) {
  describe('flowbook check of the recipes', function () {
    this.timeout(0);

    it('finds each the same as its script, line by line and value by value, without a warning', async () => {
      const results = await runResumably('recipes-check', names, async (name) => {
        const warnings: string[] = [];
        const smoke = new Map([['mode', 'smoke']]);
        const difference = await checkNotebook(join(notebooks, name), smoke, (warning) =>
          warnings.push(warning),
        );
        return { difference, warnings };
      });
      for (const name of names) {
        assert.deepEqual(results[name], { difference: null, warnings: [] }, name);
      }
    });
  });
}
