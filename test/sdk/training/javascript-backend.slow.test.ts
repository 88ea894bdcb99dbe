import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

describe("training on tfjs's JavaScript backend", () => {
  it('leaves as many tensors as it found, and arguments alone', () => {
    const script = require.resolve('./tensors-left.ts');
    const stdout = execFileSync(process.execPath, ['--require', 'tsx/cjs', script], {
      env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { counts, x } = JSON.parse(stdout.toString()) as {
      counts: Record<string, number[]>;
      x: number[];
    };
    for (const [name, left] of Object.entries(counts)) assert.deepEqual(left, [0, 0], name);
    assert.equal(Object.keys(counts).length, 7);
    assert.deepEqual(x, [1, 2]);
  });
});
