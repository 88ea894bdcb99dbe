import { join } from 'node:path';
import { runCommand } from '../run-command.mjs';
import { SetupProblem } from '../setup-problem.mjs';
import { bindingFiles } from './binding.mjs';

const script = `
  const binding = require(process.argv[1]);
  console.log(JSON.stringify({ version: binding.TF_Version, isGpu: Boolean(binding.isUsingGpuDevice()) }));
`;

/**
 * Loads the built binding in a process of its own, which survives a library that the processor cannot run.
 *
 * @param folder folder of the binding's files
 * @returns `{version, isGpu, stderr}`; throws a `SetupProblem` when it does not load
 */
export async function checkThatItLoads(folder) {
  const { code, signal, stdout, stderr } = await runCommand(
    process.execPath,
    ['-e', script, join(folder, bindingFiles[0])],
    { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } },
  );
  if (code === 0) return { ...JSON.parse(stdout), stderr };
  const why =
    signal === 'SIGILL'
      ? 'the processor lacks instructions that it uses (AVX)'
      : (stderr.split('\n').find((line) => /error/i.test(line)) ?? stderr.trim().split('\n')[0]);
  throw new SetupProblem(
    'native library that loads',
    `Cannot use the native TensorFlow library as it must load here: ${why}`,
    'npx flowbook doctor',
  );
}
