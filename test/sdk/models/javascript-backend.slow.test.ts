import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { modelOutputs } from './model-outputs';

describe("tfjs's JavaScript backend", () => {
  it('agrees with TensorFlow on autoencoders and text encoders', () => {
    const script = require.resolve('./model-outputs.ts');
    const stdout = execFileSync(process.execPath, ['--require', 'tsx/cjs', script], {
      env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const inJavaScript = JSON.parse(stdout.toString()) as Record<string, number[]>;
    for (const [name, expected] of Object.entries(modelOutputs())) {
      const differences = expected.map((value, i) => Math.abs(value - inJavaScript[name][i]));
      assert.ok(Math.max(...differences) < 1e-4, name);
    }
  });
});
