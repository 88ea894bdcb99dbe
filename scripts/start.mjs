// npm start: set-up, then JupyterLab at notebooks/.
// npm start -- --headless NAME [-p name=value]: set-up, then that notebook through a Jupyter server.
import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { isJupyterReady } from '../kernel-extensions/setup/jupyter.mjs';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { BuildError } from './build.mjs';
import { allStages } from './stages.mjs';

const given = process.argv.slice(2);
const headlessAt = given.indexOf('--headless');

/** Set-up; returns whether the product can run. What is missing is said, and stops only what needs it. */
async function setUp() {
  try {
    const problems = await runStages(allStages());
    reportProblems(problems);
    return !problems.some((problem) => problem.isEssential);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  }
}

async function flowbook(...parameters) {
  const { default: cli } = await import('../kernel-extensions/dist/cli.js');
  await cli.main([process.execPath, 'flowbook', ...parameters]);
}

// TensorFlow reads this when its library opens.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
if (!(await setUp())) {
  process.exitCode = 1;
} else if (isJupyterReady(cacheFolder())) {
  await flowbook('lab', ...given);
} else if (headlessAt >= 0) {
  process.stderr.write('\nWITHOUT JUPYTER: the notebook runs through the kernel directly.\n');
  const rest = given.toSpliced(headlessAt, 2);
  await flowbook('run', given[headlessAt + 1] ?? '', ...rest);
} else {
  process.stderr.write(
    '\nCannot open JupyterLab without Jupyter (see above); notebooks run without it: npx flowbook run notebooks/01-flow-grpo.ipynb\n',
  );
  process.exitCode = 1;
}
