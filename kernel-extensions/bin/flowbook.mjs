#!/usr/bin/env node
// Set-up and doctor run before anything is built; every other command lives in the built package.
import { existsSync } from 'node:fs';

// TensorFlow reads this when its library opens.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';

// A reader that has seen enough (`flowbook doctor | head -3`) is no error.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const [command, ...parameters] = process.argv.slice(2);
const built = new URL('../dist/cli.js', import.meta.url);

if (command === 'setup') {
  const { setupCommand } = await import('../setup/setup-command.mjs');
  process.exitCode = await setupCommand(parameters);
} else if (command === 'doctor') {
  const { doctorCommand } = await import('../setup/doctor-command.mjs');
  process.exitCode = await doctorCommand(parameters);
} else if (existsSync(built)) {
  const { default: cli } = await import(built.href);
  await cli.main(process.argv);
} else {
  process.stderr.write(
    `Cannot run "flowbook ${command ?? ''}" as the package must be built: run "npm run build" in the repository\n`,
  );
  process.exitCode = 1;
}
