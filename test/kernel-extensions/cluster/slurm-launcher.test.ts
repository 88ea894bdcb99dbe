import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { SlurmLauncher, packagesFolder } from '@flowbook/kernel-extensions';
import { launcherContract } from './launcher-contract';
import { recordedSlurm } from './recorded-slurm';
import { SlurmCluster, slurmIsMissing } from './slurm-cluster';

const packages = packagesFolder();

launcherContract('SlurmLauncher on recorded output', async () => {
  const { run, loseMachine } = recordedSlurm();
  return { launcher: new SlurmLauncher({ packages, run }), loseMachine, requeues: true };
});

const missing = slurmIsMissing();
let cluster: SlurmCluster | null = null;

/** The process of a job's script: the one whose environment has the job's number. */
function processOf(id: string): number {
  const [job, task] = id.split('_');
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return (
        environment.includes(`SLURM_ARRAY_JOB_ID=${job}`) &&
        environment.includes(`SLURM_ARRAY_TASK_ID=${task}`) &&
        command.includes('run.mjs')
      );
    } catch {
      return false;
    }
  });
  return Number(found);
}

if (missing === null) {
  const open = async () => {
    const started = await SlurmCluster.start();
    cluster = started;
    const environment = { ...process.env, ...started.environment };
    const run = async (command: string, parameters: readonly string[]) =>
      (await promisify(execFile)(command, [...parameters], { env: environment })).stdout;
    return {
      launcher: new SlurmLauncher({ packages, run, options: ['--ntasks=1'] }),
      loseMachine: (id: string) => started.lose(id, processOf(id)),
      requeues: true,
    };
  };
  launcherContract('SlurmLauncher on a real cluster', open);
}

describe('SlurmLauncher', () => {
  after(() => cluster?.stop());

  it('says that Slurm is missing where its commands are', async () => {
    const launcher = new SlurmLauncher({ packages });
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      await assert.rejects(launcher.status('1_0'), {
        message: 'Cannot run on Slurm as its command "scontrol" must be on the path',
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
