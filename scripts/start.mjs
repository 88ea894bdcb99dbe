// npm start: set-up, then JupyterLab at notebooks/.
// npm start -- --headless NAME [-p name=value]: set-up, then that notebook through a Jupyter server.
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { BuildError } from './build.mjs';
import { allStages } from './stages.mjs';

/** Set-up; returns whether the product can run. What is missing is said, and stops only what needs it. */
async function setUp() {
  try {
    const problems = await runStages(allStages());
    await reportProblems(problems);
    return !problems.some((problem) => problem.isEssential);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  }
}

// TensorFlow reads this when its library opens.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
if (await setUp()) {
  const { default: cli } = await import('../kernel-extensions/dist/cli.js');
  await cli.main([process.execPath, 'flowbook', 'lab', ...process.argv.slice(2)]);
} else {
  process.exitCode = 1;
}
