import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLong } from '../long-run';
import { makeRecipeFolder, type RecipeFolder } from '../notebooks/recipe-folder';
import { repository } from '../setup/setup-module';
import { runPythonClient } from './python-clients';

interface Executed {
  cells: {
    metadata: { tags?: string[] };
    source: string[];
    outputs?: { output_type: string; text?: string[]; ename?: string; evalue?: string }[];
  }[];
}

const PARAMETERS = `const mode: 'smoke' | 'quick' = 'quick'; // how long; 'quick' by default
let steps: number | null = null; // null: the mode's
const site = 'https://example.org/'
export const sizes: readonly number[] = [1, 2]; // in pixels
const table: {
  a: number;
} = { a: 1 };
const given = (x: number) => x;`;

describe('papermill', function () {
  this.timeout(600_000);
  let folder: RecipeFolder;
  before(() => (folder = makeRecipeFolder('papermill-test')));
  after(() => folder.remove());

  const at = (name: string) => join(folder.notebooks, name);
  const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8')) as Executed;
  const printed = ({ cells }: Executed) =>
    cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ text = [] }) => text)).join('');
  const papermill = (...parameters: string[]) =>
    runPythonClient(
      'papermill',
      [...parameters, '--cwd', folder.notebooks, '--no-progress-bar'],
      folder.path,
    );

  function write(name: string, ...sources: string[]): string {
    const cells = sources.map((source, place) => ({
      cell_type: 'code',
      id: `c${place}`,
      metadata: place === 0 ? { tags: ['parameters'] } : {},
      execution_count: null,
      outputs: [],
      source,
    }));
    const kernelspec = { name: 'flowbook', display_name: 'Flowbook', language: 'typescript' };
    const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
    writeFileSync(at(name), JSON.stringify(notebook));
    return at(name);
  }

  it('declares parameters anew with the types that the notebook gives them', async () => {
    const own = write(
      'own.ipynb',
      PARAMETERS,
      "if (mode === 'quick') throw new Error('not set');",
      'console.log({ smoke: 1, quick: 2 }[mode], (steps ?? 0) + 1, site, sizes.length, table.a);',
    );
    const values = JSON.stringify({
      mode: 'smoke',
      steps: 2,
      site: 'a "quoted" \u{1f600}',
      sizes: [1, -0.5],
      table: { a: 7 },
    });
    const { code, stderr } = await papermill(own, at('out.ipynb'), '--parameters_yaml', values);
    assert.equal(code, 0, stderr);
    const { cells } = read('out.ipynb');
    assert.deepEqual(cells[1].metadata.tags, ['injected-parameters']);
    assert.equal(
      cells[1].source.join(''),
      `// Parameters
const mode: 'smoke' | 'quick' = "smoke";
const steps: number | null = 2;
const site: string = "a \\"quoted\\" \\ud83d\\ude00";
const sizes: readonly number[] = [1, -0.5];
const table: { a: number; } = {"a": 7};
`,
    );
    assert.equal(printed(read('out.ipynb')), '1 3 a "quoted" \u{1f600} 2 7\n');
  });

  it('lists the parameters with their types, defaults and remarks', async () => {
    const { code, stdout, stderr } = await papermill(
      write('listed.ipynb', PARAMETERS),
      '--help-notebook',
    );
    assert.equal(code, 0, stderr);
    const [, list] = stdout.split(/Parameters inferred for notebook .*\n/);
    assert.deepEqual(
      list.split('\n').map((line) => line.trim()),
      [
        "mode: 'smoke' | 'quick' (default 'quick')",
        "how long; 'quick' by default",
        'steps: number | null (default null)',
        "null: the mode's",
        "site: Unknown type (default 'https://example.org/')",
        'sizes: readonly number[] (default [1, 2])',
        'in pixels',
        'table: { a: number; } (default { a: 1 })',
        'given: Unknown type (default (x: number) => x)',
        '',
      ],
    );
  });

  it('ends with an error in the notebook where a value is of another type, and refuses what it cannot write', async () => {
    const own = write('typed.ipynb', "const mode: 'smoke' | 'quick' = 'quick';", 'console.log(1)');
    const wrong = await papermill(own, at('wrong.ipynb'), '-p', 'mode', 'never');
    assert.equal(wrong.code, 1);
    const error = read('wrong.ipynb')
      .cells.flatMap(({ outputs = [] }) => outputs)
      .find((output) => output.output_type === 'error');
    assert.match(error?.evalue ?? '', /"never"' is not assignable to type '"smoke" \| "quick"'/);
    const unsafe = await papermill(own, at('none.ipynb'), '-y', '{ "mode": 9007199254740993 }');
    assert.equal(unsafe.code, 1);
    assert.match(
      unsafe.stderr,
      /Cannot set a parameter as whole numbers must be at most 9007199254740991 away from 0: current value is 9007199254740993/,
    );
  });

  const recipes = readdirSync(join(repository, 'notebooks')).filter((name) =>
    name.endsWith('.ipynb'),
  );
  for (const name of isLong ? recipes : ['09-bring-your-own.ipynb']) {
    it(`runs ${name} with mode set to smoke`, async () => {
      const recipe = join(repository, 'notebooks', name);
      const { code, stderr } = await papermill(recipe, at(name), '-p', 'mode', 'smoke');
      assert.equal(code, 0, stderr);
      const executed = read(name);
      assert.ok(printed(executed).length > 0);
      for (const { outputs = [] } of executed.cells) {
        assert.ok(outputs.every(({ output_type }) => output_type !== 'error'));
      }
    });
  }
});
