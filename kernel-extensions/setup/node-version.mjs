import { readFileSync } from 'node:fs';
import { SetupProblem } from './setup-problem.mjs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The oldest Node that Flowbook runs on, as the package's `engines` says: '20.12'. */
export const oldestNode = engines.node.replace('>=', '');

const installNode = 'install Node 22 from https://nodejs.org';

/** Whether a version of Node is `oldestNode` or later. */
export function isNodeNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** The doctor's check of Node. */
export function nodeCheck(version = process.versions.node) {
  return isNodeNewEnough(version)
    ? { name: 'Node', state: 'ok', detail: `${version} (Node-API ${process.versions.napi})` }
    : {
        name: 'Node',
        state: 'broken',
        detail: `${version}: Flowbook needs ${oldestNode} or newer`,
        fix: installNode,
      };
}

/** The stage that comes before all others: with an older Node they would fail somewhere, in other words. */
export const nodeStage = {
  name: 'Node',
  essential: true,
  run: async (_report, version = process.versions.node) => {
    if (isNodeNewEnough(version)) return `is ${version}`;
    throw new SetupProblem(
      'Node',
      `Cannot set Flowbook up as Node must be ${oldestNode} or newer: current value is ${version}`,
      installNode,
    );
  },
};
