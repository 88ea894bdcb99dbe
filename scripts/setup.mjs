// npm run setup: everything that a fresh clone needs, without starting anything.
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { BuildError } from './build.mjs';
import { allStages } from './stages.mjs';

try {
  const problems = await runStages(allStages());
  process.exitCode = (await reportProblems(problems)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
