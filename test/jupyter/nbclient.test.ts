import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLong } from '../long-run';
import { makeRecipeFolder, type RecipeFolder } from '../notebooks/recipe-folder';
import { repository } from '../setup/setup-module';
import { runPythonClient } from './python-clients';

const recipes = readdirSync(join(repository, 'notebooks')).filter((name) =>
  name.endsWith('.ipynb'),
);

// papermill and nbconvert, whose tests always run, execute through nbclient, too.
describe('nbclient, as "jupyter execute"', function () {
  this.timeout(600_000);
  let folder: RecipeFolder;
  before(() => (folder = makeRecipeFolder('nbclient-test')));
  after(() => folder.remove());

  for (const name of isLong ? recipes : []) {
    it(`runs ${name} in smoke mode, and saves every cell's outputs`, async () => {
      const file = folder.addSmoke(name);
      const { code, stderr } = await runPythonClient(
        'jupyter',
        ['execute', '--inplace', file],
        folder.path,
      );
      assert.equal(code, 0, stderr);
      const { cells } = JSON.parse(readFileSync(file, 'utf8')) as {
        cells: {
          cell_type: string;
          execution_count: number | null;
          outputs?: { output_type: string; data?: object }[];
        }[];
      };
      const executed = cells.filter(({ cell_type }) => cell_type === 'code');
      assert.deepEqual(
        executed.map(({ execution_count }) => execution_count),
        executed.map((_, at) => at + 1),
      );
      const outputs = executed.flatMap((cell) => cell.outputs ?? []);
      assert.ok(outputs.every(({ output_type }) => output_type !== 'error'));
      const pictures = outputs.filter(({ data }) => data && 'image/png' in data);
      assert.ok(pictures.length > 0);
    });
  }
});
