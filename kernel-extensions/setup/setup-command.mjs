import { parseArgs } from 'node:util';
import { nodeStage } from './node-version.mjs';
import { reportProblems, setupStages } from './setup-stages.mjs';
import { runStages } from './stages.mjs';

const help = `Usage: flowbook setup [--no-jupyter] [--ray] [--cuda]

Fetches and builds what npm does not carry, into the user's cache folder:
the native TensorFlow library, tfjs-node's binding to it, and JupyterLab.

  --no-jupyter   leave JupyterLab out
  --ray          add Ray, for rollouts and runs on many machines
  --cuda         take TensorFlow's CUDA build (untried), and keep to it
`;

/** `flowbook setup`: returns the exit code. It runs before anything is built. */
export async function setupCommand(parameters) {
  let values;
  try {
    ({ values } = parseArgs({
      args: parameters,
      options: {
        'no-jupyter': { type: 'boolean', default: false },
        ray: { type: 'boolean', default: false },
        cuda: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const stages = setupStages({
    jupyter: !values['no-jupyter'],
    ray: values.ray,
    ...(values.cuda ? { cuda: true } : {}),
  });
  const problems = await runStages([nodeStage, ...stages]);
  return (await reportProblems(problems)) ? 0 : 1;
}
