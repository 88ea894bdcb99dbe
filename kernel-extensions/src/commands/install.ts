import { Command } from 'commander';
import {
  installKernelspec,
  kernelspecFolder,
  type Place,
  uninstallKernelspec,
} from '../launch/kernelspec';

interface PlaceFlags {
  user?: boolean;
  sysPrefix?: boolean;
  prefix?: string;
}

function placeOf({ user, sysPrefix, prefix }: PlaceFlags): Place {
  const given = [user, sysPrefix, prefix !== undefined].filter(Boolean).length;
  if (given > 1) {
    throw new Error(
      `Cannot choose a place as one of --user, --sys-prefix and --prefix may be given: current value is ${given} of them`,
    );
  }
  if (prefix !== undefined) return { kind: 'prefix', folder: prefix };
  return { kind: sysPrefix ? 'sys-prefix' : 'user' };
}

function withPlace(command: Command): Command {
  return command
    .option('--user', "this user's Jupyter (default)")
    .option('--sys-prefix', 'the Jupyter of the active Python environment')
    .option('--prefix <folder>', 'the Jupyter below a folder: <folder>/share/jupyter');
}

/** `flowbook install`: puts the kernelspec into an existing Jupyter, where VS Code should find it too (not tried). */
export function installCommand(): Command {
  return withPlace(new Command('install'))
    .description('put the Flowbook kernel into an existing Jupyter')
    .action(async (flags: PlaceFlags) => {
      const folder = await kernelspecFolder(placeOf(flags));
      installKernelspec(folder);
      process.stdout.write(`Installed the kernel "flowbook" into ${folder}\n`);
    });
}

/** `flowbook uninstall`: takes it out again. */
export function uninstallCommand(): Command {
  return withPlace(new Command('uninstall'))
    .description('take the Flowbook kernel out of a Jupyter again')
    .action(async (flags: PlaceFlags) => {
      const folder = await kernelspecFolder(placeOf(flags));
      const was = uninstallKernelspec(folder);
      process.stdout.write(
        was ? `Removed ${folder}\n` : `There is no kernel "flowbook" in ${folder}\n`,
      );
    });
}
