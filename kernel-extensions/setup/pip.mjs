import { runCommand } from './run-command.mjs';
import { SetupProblem } from './setup-problem.mjs';

/** Turns what pip printed into the one thing that is missing. */
function problemFrom(purpose, said) {
  const errors = said.split('\n').filter((line) => /error/i.test(line));
  const last = (errors.pop() ?? said.trim().split('\n').pop() ?? '').trim();
  if (/DO NOT MATCH THE HASHES/i.test(said)) {
    return new SetupProblem(
      'matching hash',
      `Cannot ${purpose} as the file must have the SHA-256 that Flowbook expects: the index serves another one`,
      `python -m pip config list   and look which package index is set: it serves a changed file`,
    );
  }
  if (/No space left|Errno 28/i.test(said)) {
    return new SetupProblem(
      'disk space',
      `Cannot ${purpose} as the disk is full`,
      `df -h   and make room, or name a folder on a larger disk: export FLOWBOOK_CACHE=/path/to/folder`,
    );
  }
  return new SetupProblem(
    'network',
    `Cannot ${purpose} as the Python package index must be reachable: ${last}`,
    'npx flowbook setup   once the network, or the proxy that pip needs, is there (python -m pip config list shows it)',
  );
}

/**
 * Runs pip; throws a `SetupProblem` that names the missing thing when it fails.
 *
 * @param purpose what it is for, as in "download TensorFlow 2.21.0"
 */
export async function runPip(python, parameters, { purpose, onLine, environment = process.env }) {
  const full = ['-m', 'pip', '--disable-pip-version-check', '--no-input', ...parameters];
  const { code, stdout, stderr } = await runCommand(python, full, { env: environment, onLine });
  if (code === 0) return stdout;
  throw problemFrom(purpose, `${stdout}\n${stderr}`);
}
