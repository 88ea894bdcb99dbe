import { Command } from 'commander';
import { setupPieces } from '../setup/setup-pieces';

/** `flowbook setup`: the committed entry point runs it before anything is built; here it takes its place in the help. */
export function setupCommand(): Command {
  return new Command('setup')
    .description(
      'fetch and build what npm does not carry: native TensorFlow, its binding, JupyterLab',
    )
    .helpOption(false)
    .allowUnknownOption()
    .argument('[parameters...]')
    .action(async (parameters: string[]) => {
      process.exitCode = await (await setupPieces()).setupCommand(parameters);
    });
}
