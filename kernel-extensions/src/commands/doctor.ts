import { Command } from 'commander';
import { setupPieces } from '../setup/setup-pieces';

/** `flowbook doctor`: the committed entry point runs it before anything is built; here it takes its place in the help. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check each piece that Flowbook stands on, with the fix for what is broken')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[parameters...]')
    .action(async (parameters: string[]) => {
      process.exitCode = await (await setupPieces()).doctorCommand(parameters);
    });
}
