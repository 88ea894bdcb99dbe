import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** What TensorFlow is told about a GPU's memory in a process of its own. */
function memoryGrowth(environment: NodeJS.ProcessEnv): string {
  const script = `
    require('./sdk/src/tensorflow/backend');
    console.log(process.env.TF_FORCE_GPU_ALLOW_GROWTH);
  `;
  return execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: ROOT,
    env: { ...environment, FLOWBOOK_BACKEND: 'cpu' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

describe('the backend', function () {
  this.timeout(60_000);

  it("takes a GPU's memory as it is needed, unless the user says otherwise", () => {
    const environment = { ...process.env };
    delete environment.TF_FORCE_GPU_ALLOW_GROWTH;
    assert.equal(memoryGrowth(environment), 'true');
    assert.equal(memoryGrowth({ ...environment, TF_FORCE_GPU_ALLOW_GROWTH: 'false' }), 'false');
  });

  it('refuses a FLOWBOOK_BACKEND that there is not', () => {
    assert.throws(
      () =>
        execFileSync(
          process.execPath,
          ['--import', 'tsx', '-e', "require('./sdk/src/tensorflow/backend')"],
          {
            cwd: ROOT,
            env: { ...process.env, FLOWBOOK_BACKEND: 'gpu' },
            stdio: ['ignore', 'ignore', 'pipe'],
          },
        ),
      /Cannot heed FLOWBOOK_BACKEND as it must be "cpu" or "tensorflow": current value is "gpu"/,
    );
  });
});
