import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { nextRunFolder } from '@flowbook/sdk';
import { Command } from 'commander';
import { describeBundle } from '../cluster/launch/describe-bundle';
import { runJob } from '../cluster/launch/follow';
import { gridOf } from '../cluster/launch/grid';
import type { JobStatus, Launcher } from '../cluster/launch/launcher';
import { LocalLauncher } from '../cluster/launch/local-launcher';
import { planJob, projectOf, writeBundle, type JobPlan } from '../cluster/launch/make-job';
import { packagesFolder } from '../cluster/launch/packages-folder';
import { RayLauncher } from '../cluster/launch/ray-launcher';
import {
  rayJobManifest,
  writeEntrypoints,
  type RayJobOptions,
} from '../cluster/launch/rayjob-manifest';
import { quoted } from '../cluster/launch/shell-line';
import { SlurmLauncher } from '../cluster/launch/slurm-launcher';
import { exitCodes } from '../script/exit-codes';
import { heedStops } from '../script/heed-stops';
import { makeRunDirectory, RUNS } from '../run-folder/run-directory';
import { withSubmitOptions, type SubmitOptions } from './submit-options';

/** Files that are named before a job is sent; `--dry-run` names all. */
const MOST_NAMED = 50;

const say = (line: string): boolean => process.stderr.write(`${line}\n`);

/** `flowbook submit`: runs a notebook or script on this machine, a Ray cluster or a Slurm cluster, or makes a RayJob of it. */
export function submitCommand(): Command {
  const command = new Command('submit')
    .description('run a notebook or script on other machines, and follow it to its end')
    .argument('<file>', 'an .ipynb file, which becomes a script, or a script');
  return withSubmitOptions(command).action(async (file: string, options: SubmitOptions) => {
    process.exitCode = await submit(file, options);
  });
}

/** What a job goes to: a launcher that follows it, or a manifest. */
type Target = { launcher: Launcher } | { rayJob: RayJobOptions };

function targetOf(options: SubmitOptions): Target {
  const { on, address, tokenFile, processors, sbatch } = options;
  if (on === 'kuberay') return { rayJob: rayJobOptions(options) };
  const packages = packagesFolder();
  if (on === 'local') return { launcher: new LocalLauncher(packages) };
  if (on === 'slurm') return { launcher: new SlurmLauncher({ packages, options: sbatch }) };
  // An empty variable counts as none.
  const url = address ?? (process.env.RAY_API_SERVER_ADDRESS || null);
  const file = tokenFile ?? (process.env.RAY_AUTH_TOKEN_PATH || null);
  if (url === null || file === null) {
    throw new Error(
      `Cannot submit on Ray as --address and --token-file must be given: current values are ${url ?? 'none'} and ${file ?? 'none'}`,
    );
  }
  const token = readFileSync(file, 'utf8').trim();
  return { launcher: new RayLauncher({ address: url, token, packages, processors }) };
}

function rayJobOptions({ image, claim, mount, ...options }: SubmitOptions): RayJobOptions {
  if (image !== undefined && claim !== undefined && mount !== undefined)
    return { ...options, image, claim, mount: path.resolve(mount) };
  throw new Error(
    `Cannot make a RayJob as --image, --claim and --mount must be given: current values are ${[image, claim, mount].map((one) => one ?? 'none').join(', ')}`,
  );
}

/** All that is to be done, of which nothing is done yet. */
interface Submission {
  plan: JobPlan;
  target: Target | null;
  manifest: string;
}

async function planSubmission(
  file: string,
  options: SubmitOptions,
  out: string,
): Promise<Submission> {
  const { on, include, mostMb, dryRun } = options;
  const runs = gridOf(options.each).map((values) => [...options.parameter, ...values]);
  const program = on === 'kuberay' ? ['node', '--import', 'tsx'] : undefined;
  const plan = planJob({ file, out, runs, include, mostBytes: mostMb * 1e6, program });
  if (file.endsWith('.ipynb')) {
    const { checkFlags } = await import('../cluster/launch/check-flags.js');
    checkFlags(file, runs);
  }
  // What is asked of a cluster needs no cluster to be shown.
  const target = !dryRun || on === 'kuberay' ? targetOf(options) : null;
  const isRayJob = target !== null && 'rayJob' in target;
  return { plan, target, manifest: isRayJob ? rayJobManifest(plan.job, target.rayJob) : '' };
}

async function submit(file: string, options: SubmitOptions): Promise<number> {
  const isDefault = options.out === undefined;
  const name = path.basename(file, path.extname(file));
  const wanted = path.resolve(options.out ?? nextRunFolder(path.join(projectOf(file), RUNS), name));
  let out = wanted;
  let submission: Submission;
  try {
    submission = await planSubmission(file, options, wanted);
    if (!options.dryRun) out = makeRunDirectory({ directory: wanted, isDefault });
    // Another run of the same second has the folder that was planned.
    if (out !== wanted) submission = await planSubmission(file, options, out);
  } catch (error) {
    say((error as Error).message);
    return exitCodes.wrongUse;
  }
  const { plan, target, manifest } = submission;
  if (options.dryRun) {
    for (const line of sentInWords(plan)) say(line);
    process.stdout.write(manifest === '' ? `${runsInWords(plan)}\n` : manifest);
    return exitCodes.done;
  }
  for (const line of sentInWords(plan, MOST_NAMED)) say(line);
  for (const warning of await writeBundle(plan)) say(`Warning ${warning}`);
  say(`A copy is in ${plan.job.folder}`);
  if (target !== null && 'launcher' in target) return follow(target.launcher, plan);
  writeEntrypoints(plan.job, options.packages);
  const manifestFile = path.join(out, 'rayjob.yaml');
  writeFileSync(manifestFile, manifest);
  process.stdout.write(`kubectl apply -f ${quoted(manifestFile)}\n`);
  return exitCodes.done;
}

/** What is sent, and what is not; the script that a notebook becomes is not made yet. */
function sentInWords({ sent, given, script }: JobPlan, most?: number): string[] {
  const made = given === script ? [] : [`Sends ${script}, which ${given} becomes`];
  return [...describeBundle(sent, most), ...made];
}

/** The command line of each run. */
function runsInWords({ job }: JobPlan): string {
  return job.tasks
    .map(({ parameters, directory }) => {
      return `${directory}: ${[...job.program, ...parameters].map(quoted).join(' ')}`;
    })
    .join('\n');
}

async function follow(launcher: Launcher, { job }: JobPlan): Promise<number> {
  const controller = new AbortController();
  const stops = heedStops(
    () => {
      say('Stopping the runs: each may write its checkpoint. Again: leaves them alone.');
      controller.abort();
    },
    (signal) => process.exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated),
  );
  try {
    const ends = await runJob(launcher, job, {
      onText: (text) => process.stdout.write(text),
      onEvent: say,
      signal: controller.signal,
    });
    ends.forEach(({ state, exitCode, detail }, task) =>
      say(
        `${job.tasks[task].directory}: ${[state, exitCode, detail].filter((one) => one !== null && one !== '').join(', ')}`,
      ),
    );
    return codeOf(ends, stops.by);
  } finally {
    stops.end();
  }
}

/** The exit code of all runs together. */
export function codeOf(ends: readonly JobStatus[], by: NodeJS.Signals | null): number {
  const others = ends.filter(({ state }) => state !== 'succeeded');
  if (others.length === 0) return exitCodes.done;
  if (by === null) return exitCodes.failed;
  if (others.some(({ exitCode }) => exitCode === exitCodes.toResume)) return exitCodes.toResume;
  return by === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
}
