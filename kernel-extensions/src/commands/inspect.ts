import { Command, Option } from 'commander';
import { wholeNumberFrom } from './whole-number';

const count = wholeNumberFrom(1);

interface InspectFlags {
  json?: boolean;
  height?: number;
  width?: number;
  batch?: number;
  tokens?: number;
  rank?: number;
  target?: string;
  ema?: boolean;
  dtype?: 'float32' | 'bfloat16';
  revision?: string;
  variant?: string;
  offline?: boolean;
}

/** `flowbook inspect`: what a model consists of and what memory it needs, from its headers. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      'show components, parameters, types and the memory a model needs, from headers alone',
    )
    .argument(
      '<model>',
      "a folder in diffusers' layout, an adapter, a .safetensors file, or owner/name on a hub",
    )
    .option('--json', 'print the report as JSON')
    .option(
      '--height <pixels>',
      'of the pictures that memory is estimated for (default: 1024)',
      count,
    )
    .option('--width <pixels>', 'of the pictures (default: 1024)', count)
    .option('--batch <count>', 'pictures at a time (default: 1)', count)
    .option('--tokens <count>', 'tokens of a prompt (default: 512)', count)
    .option('--rank <count>', 'rank of the adapters that are trained (default: 64)', count)
    .option(
      '--target <layers>',
      'layers with adapters, ends of paths with commas between them (default: all-linear)',
    )
    .addOption(
      new Option(
        '--dtype <type>',
        'what transformer and text encoders are loaded in (default: float32)',
      ).choices(['float32', 'bfloat16']),
    )
    .option('--ema', 'keep a moving average of what is trained')
    .option('--revision <name>', 'on a hub: branch, tag or commit (default: main)')
    .option('--variant <name>', 'weights saved as this variant, for example fp16')
    .option('--offline', 'use what the cache of the hub holds, and no network')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 there is nothing to inspect or it is broken, 2 wrong use.',
    )
    .action(async (model: string, flags: InspectFlags) => {
      const { formatModelReport, inspectModel } = await import('@flowbook/sdk');
      const report = await inspectModel(model, {
        height: flags.height,
        width: flags.width,
        batch: flags.batch,
        textTokens: flags.tokens,
        rank: flags.rank,
        targetModules: layers(flags.target),
        average: flags.ema,
        dtype: flags.dtype,
        revision: flags.revision,
        variant: flags.variant,
        offline: flags.offline,
      });
      const text = flags.json ? JSON.stringify(report, null, 2) : formatModelReport(report);
      process.stdout.write(`${text}\n`);
    });
}

function layers(target: string | undefined): string | string[] | undefined {
  return target === undefined || target === 'all-linear' ? target : target.split(',');
}
