import { Command } from 'commander';
import type { RunConfig } from '@flowbook/sdk';

interface ConfigOptions {
  json: boolean;
}

const FILE = /\.(?:ya?ml|json)$/i;

/** `flowbook config`: prints a run's configuration as it is resolved, and what of it has no effect here. */
export function configCommand(): Command {
  return new Command('config')
    .description(
      "print a run's configuration with verl-omni's keys: complete, resolved and checked",
    )
    .argument(
      '[parts...]',
      'a .yaml or .json file first, then overrides: key=value, +key=value, ++key=value, ~key',
    )
    .option('--json', 'print JSON instead of YAML', false)
    .addHelpText(
      'after',
      '\nThe configuration goes to standard output, what has no effect to standard error.\nExit codes: 0 done, 2 wrong use: an unknown key, a value that breaks its rule.',
    )
    .action(async (parts: string[], { json }: ConfigOptions) => {
      const { loadRunConfig } = await import('@flowbook/sdk');
      const [first = ''] = parts;
      const isFile = FILE.test(first) && !first.includes('=');
      let run: RunConfig;
      try {
        run = loadRunConfig(isFile ? first : null, isFile ? parts.slice(1) : parts);
      } catch (error) {
        process.stderr.write(`${(error as Error).message}\n`);
        process.exitCode = 2;
        return;
      }
      process.stdout.write(json ? `${JSON.stringify(run, null, 2)}\n` : run.toYaml());
      process.stderr.write(describeWithoutEffect(run));
    });
}

/** What of a configuration has no effect: each key that was given, and how many stand at their defaults. */
function describeWithoutEffect({ withoutEffect }: RunConfig): string {
  const given = withoutEffect.filter((key) => key.given);
  const others = withoutEffect.length - given.length;
  return [
    ...(given.length > 0 ? ['Accepted, without effect here:'] : []),
    ...given.map(({ key, value }) => `  ${key}: ${JSON.stringify(value)}`),
    `${others} keys of clusters, servers and profilers stand at verl-omni's defaults, without effect here.\n`,
  ].join('\n');
}
