// npm run ok: the whole gate, in order, with a summary.
import { spawnSync } from 'node:child_process';
import { root } from './packages.mjs';

const steps = ['types', 'lint', 'format', 'imports', 'test'];
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const results = steps.map((step) => {
  process.stdout.write(`\n== ${step}\n`);
  const startedAt = Date.now();
  const { status } = spawnSync(npm, ['run', '--silent', step], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return { step, isOk: status === 0, seconds: (Date.now() - startedAt) / 1000 };
});
process.stdout.write('\n');
for (const { step, isOk, seconds } of results) {
  process.stdout.write(
    `${isOk ? 'ok    ' : 'FAILED'}  ${step.padEnd(8)} ${seconds.toFixed(1)} s\n`,
  );
}
process.exitCode = results.every(({ isOk }) => isOk) ? 0 : 1;
