// npm run recipes -- --full [--only NN or NN-NAME] [--seeds 1,2,3]: full runs, kept in notebooks/results. What is there is not made again, what
// was stopped goes on; then docs/results.md anew from all that are kept. npm run recipes -- --report: that page alone.
import { parseArgs } from 'node:util';
import { recipeName } from './recipe';
import { FULL_RUNS } from './recipes';
import { writeReport } from './report';
import { runRecipe } from './run-recipe';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      only: { type: 'string' },
      seeds: { type: 'string', default: '1,2,3' },
    },
  });
  if (!values.full && !values.report) {
    throw new Error(
      'Cannot run recipes as the mode must be named: npm run recipes -- --full makes the results that are kept, --report the page that shows them; notebooks run by npm start',
    );
  }
  if (values.full) await runAll(values.only, values.seeds);
  console.log(writeReport());
}

async function runAll(only: string | undefined, seedList: string): Promise<void> {
  const chosen = FULL_RUNS.filter(
    (run) => only === undefined || run.number === only || recipeName(run) === only,
  );
  if (chosen.length === 0) {
    throw new Error(
      `Cannot run recipes as --only must be a number or a name of ${FULL_RUNS.map(recipeName).join(', ')}: current value is ${only}`,
    );
  }
  const seeds = seedList.split(',').map(Number);
  if (!seeds.every((seed) => Number.isSafeInteger(seed))) {
    throw new Error(
      `Cannot run recipes as --seeds must be whole numbers such as 1,2,3: current value is ${seedList}`,
    );
  }
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error('stopped')));
  }
  for (const recipe of chosen) {
    for (const seed of seeds) {
      const path = await runRecipe(recipe, {
        seed,
        signal: controller.signal,
        onProgress: (line) => void process.stderr.write(`${line}\n`),
      });
      console.log(path);
    }
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
