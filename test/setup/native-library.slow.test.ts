import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { repository } from './setup-module';

/** Runs a line of JavaScript with the native library in a process of its own. */
function withTensorflow(code: string, environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    // Through the sdk: tfjs-node alone calls what Node 22 warns of and Node 24 has no more.
    ['-e', `const { tf } = require('@flowbook/sdk'); ${code}`],
    { encoding: 'utf8', cwd: repository, env: { ...process.env, ...environment } },
  );
  return { status, stdout, stderr };
}

describe('native library', () => {
  it('TensorFlow opens and computes without a word on stderr', () => {
    const { stdout, stderr } = withTensorflow(
      'console.log(tf.backend().binding.TF_Version, tf.tensor([1, 2]).add(1).arraySync())',
      { TF_CPP_MIN_LOG_LEVEL: '3' },
    );
    assert.equal(stdout, '2.21.0 [ 2, 3 ]\n');
    assert.equal(stderr, '');
  });

  it('TensorFlow tells its notices when TF_CPP_MIN_LOG_LEVEL is 0', () => {
    const { stderr } = withTensorflow('tf.tensor([1]).add(1)', { TF_CPP_MIN_LOG_LEVEL: '0' });
    assert.match(stderr, /oneDNN custom operations|CPU instructions/);
  });

  it('the built sdk computes without a warning of this Node', () => {
    const code = "const { tf } = require('@flowbook/sdk'); console.log(tf.sum([1, 2]).arraySync())";
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
      encoding: 'utf8',
      cwd: repository,
    });
    assert.equal(stderr, '');
    assert.equal(stdout, '3\n');
  });

  it('TensorFlow gives gradients', () => {
    const code = 'console.log(tf.grad((x) => x.square().sum())(tf.tensor([1, 2, 3])).arraySync())';
    assert.equal(withTensorflow(code).stdout, '[ 2, 4, 6 ]\n');
  });
});
