import { runCommand } from './run-command.mjs';
import { SetupProblem } from './setup-problem.mjs';

const configuration = 'python -m pip config list';

/** Turns what pip printed into the one thing that is missing. */
function problemFrom(purpose, said, whereMissing) {
  const changed = /^\s+(\S+==\S+?)(?: \S+)* from [^]*?\bGot\s+([0-9a-f]{64})/m.exec(said);
  if (/DO NOT MATCH THE HASHES/i.test(said)) {
    return new SetupProblem(
      'matching hash',
      `Cannot ${purpose} as the SHA-256 of ${changed?.[1] ?? 'each file'} must be one that Flowbook lists: current value is ${changed?.[2] ?? 'another one'}`,
      `${configuration}   and look which package index is set: it serves a changed file`,
    );
  }
  const unlisted = /(?:Hashes are required|must have their versions pinned)[^]*?:\s+(\S+)/.exec(
    said,
  );
  if (unlisted) {
    return new SetupProblem(
      'listed package',
      `Cannot ${purpose} as what it depends on must be in Flowbook's list of packages and hashes: ${unlisted[1]} is not`,
      `${configuration}   and look which package index is set: its packages depend on others than those that Flowbook lists`,
    );
  }
  if (/No space left|Errno 28/i.test(said)) {
    return new SetupProblem(
      'disk space',
      `Cannot ${purpose} as the disk is full`,
      `df -h   and make room, or name a folder on a larger disk: export FLOWBOOK_CACHE=/path/to/folder`,
    );
  }
  // Without a network pip finds nothing either, and says first that it tries again.
  const absent = /No matching distribution found for (\S+)/.exec(said);
  if (absent && !/Retrying \(|Could not fetch URL/.test(said)) {
    return new SetupProblem(
      'package',
      `Cannot ${purpose} as the Python package index must have a wheel of ${absent[1]} for this Python and machine: it has none`,
      whereMissing?.[absent[1]] ??
        `${configuration}   and look which package index is set; another Python may have one: export FLOWBOOK_PYTHON=/path/to/python3.11`,
    );
  }
  const errors = said.split('\n').filter((line) => /error/i.test(line));
  const last = (errors.pop() ?? said.trim().split('\n').pop() ?? '').trim();
  return new SetupProblem(
    'network',
    `Cannot ${purpose} as the Python package index must be reachable: ${last}`,
    `npx flowbook setup   once the network, or the proxy that pip needs, is there (${configuration} shows it)`,
  );
}

/**
 * Runs pip; throws a `SetupProblem` that names the missing thing when it fails.
 *
 * Nothing comes without its SHA-256 in `requirements`, and nothing is built from source: what a build needs, pip would
 * fetch without asking for hashes.
 *
 * @param command 'install' or 'download'
 * @param options `requirements`: path of a requirements file with hashes, of all that packages depend on too unless
 *   `parameters` has --no-deps; `purpose`: what it is for, as in "download TensorFlow 2.21.0"; `whereMissing`: for a package
 *   that the usual index has not, the command that helps, by "name==version"
 */
export async function runPip(
  python,
  command,
  { requirements, parameters = [], purpose, whereMissing, onLine, environment = process.env },
) {
  const full = [
    '-m',
    'pip',
    '--disable-pip-version-check',
    '--no-input',
    command,
    '--require-hashes',
    '--only-binary=:all:',
    `--requirement=${requirements}`,
    ...parameters,
  ];
  const { code, stdout, stderr } = await runCommand(python, full, { env: environment, onLine });
  if (code === 0) return stdout;
  throw problemFrom(purpose, `${stdout}\n${stderr}`, whereMissing);
}
