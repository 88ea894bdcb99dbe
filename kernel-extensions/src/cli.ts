import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { checkCommand } from './commands/check';
import { configCommand } from './commands/config';
import { doctorCommand } from './commands/doctor';
import { exportCommand } from './commands/export';
import { importCommand } from './commands/import';
import { inspectCommand } from './commands/inspect';
import { installCommand, uninstallCommand } from './commands/install';
import { labCommand } from './commands/lab';
import { runCommand } from './commands/run';
import { attachCommand, compareCommand, runsCommand } from './commands/runs';
import { stripCommand } from './commands/strip';
import { sweepCommand } from './commands/sweep';
import { setupCommand } from './commands/setup';
import { submitCommand } from './commands/submit';

function version(): string {
  const file = path.join(__dirname, '..', 'package.json');
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** The `flowbook` command with all of its subcommands. */
export function program(): Command {
  const root = new Command('flowbook')
    .description('Reinforcement-learning post-training of diffusion models, step by step.')
    .version(version())
    .enablePositionalOptions()
    .passThroughOptions();
  const commands = [
    setupCommand(),
    labCommand(),
    runCommand(),
    submitCommand(),
    exportCommand(),
    importCommand(),
    checkCommand(),
    stripCommand(),
    sweepCommand(),
    runsCommand(),
    attachCommand(),
    compareCommand(),
    configCommand(),
    inspectCommand(),
    installCommand(),
    uninstallCommand(),
    doctorCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  for (const command of [root, ...root.commands]) command.exitOverride();
  return root;
}

/** Runs the command line: exit code 2 for a wrong one, 1 for a failure. */
export async function main(argv: string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`flowbook: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
