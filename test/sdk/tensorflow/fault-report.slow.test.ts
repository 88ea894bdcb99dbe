import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { nativeBackend } from '@flowbook/sdk';

/** Runs a program in a process that has TensorFlow. */
function run(program: string) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=commonjs', '--eval', program],
    { encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
  );
  return { status, signal, stdout, stderr };
}

describe('a fault of native code', function () {
  this.timeout(120_000);

  it('is told with its thread and stack, and ends the process as it would have', function () {
    if (nativeBackend() === null) return this.skip();
    const { status, signal, stderr } = run(`
      require('@flowbook/sdk').tf.zeros([1]);
      process.kill(process.pid, 'SIGSEGV');
      setInterval(() => {}, 1000);
    `);
    assert.deepEqual({ status, signal }, { status: null, signal: 'SIGSEGV' });
    const [first, ...frames] = stderr.trim().split('\n');
    assert.match(first, /^flowbook: SIGSEGV in thread (node|MainThread)$/);
    assert.ok(frames.length > 5);
    for (const frame of frames) assert.match(frame, /^\S*\[0x[0-9a-f]+\]$/);
  });

  it('is none where WebAssembly reads outside of its memory', () => {
    // (memory 1) (func (export "load") (param i32) (result i32) local.get 0 i32.load)
    const bytes = [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      [1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
      [3, 2, 1, 0],
      [5, 3, 1, 0, 1],
      [7, 8, 1, 4, 0x6c, 0x6f, 0x61, 0x64, 0, 0],
      [10, 9, 1, 7, 0, 0x20, 0, 0x28, 2, 0, 0x0b],
    ].flat();
    const { status, stdout, stderr } = run(`
      require('@flowbook/sdk').tf.zeros([1]);
      const module = new WebAssembly.Module(Uint8Array.from([${bytes}]));
      const { load } = new WebAssembly.Instance(module).exports;
      for (let time = 0; time < 2; time++) {
        try {
          load(1 << 20);
        } catch (error) {
          console.log(load(0), error.message);
        }
      }
    `);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, '0 memory access out of bounds\n'.repeat(2));
  });
});
