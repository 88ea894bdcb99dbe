import { Command } from 'commander';

/** `flowbook runs`: the runs in a folder. */
export function runsCommand(): Command {
  return new Command('runs')
    .description('list runs: how they stand and what they gave')
    .argument('[folder]', 'a folder of runs, or of a sweep', 'runs')
    .option('--json', 'a JSON object a line', false)
    .action(async (folder: string, { json }: { json: boolean }) => {
      const { listRuns } = await import('../runs/list-runs.js');
      process.exitCode = listRuns(folder, json);
    });
}

/** `flowbook attach`: follows a run of another process. */
export function attachCommand(): Command {
  return new Command('attach')
    .description('follow a run of another process until it ends; Ctrl-C leaves it running')
    .argument('<run>', "the run's folder")
    .action(async (folder: string) => {
      const { followRun } = await import('../runs/follow-run.js');
      process.exitCode = await followRun(folder);
    });
}

/** `flowbook compare`: runs side by side. */
export function compareCommand(): Command {
  return new Command('compare')
    .description(
      'compare runs: parameters that differ, numbers, and the first cell that printed something else',
    )
    .argument('<runs...>', "two or more runs' folders")
    .option('-o, --output <file>', 'also write a page with curves and pictures, .html')
    .action(async (folders: string[], { output }: { output?: string }) => {
      const { compareRuns } = await import('../runs/compare-runs.js');
      process.exitCode = await compareRuns(folders, output);
    });
}
