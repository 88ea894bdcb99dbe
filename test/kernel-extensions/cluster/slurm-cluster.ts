import { randomBytes } from 'node:crypto';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';

/** Where Debian puts the daemons, which is on root's path alone. */
const PROGRAMS = {
  slurmctld: '/usr/sbin/slurmctld',
  slurmd: '/usr/sbin/slurmd',
  munged: '/usr/sbin/munged',
};

/** Why there can be no Slurm here, or null. */
export function slurmIsMissing(): string | null {
  const missing = Object.entries(PROGRAMS).filter(([, file]) => !existsSync(file));
  if (missing.length > 0) {
    return `${missing.map(([name]) => name).join(', ')} not installed (apt-get install slurmctld slurmd munge)`;
  }
  if (process.getuid?.() !== 0) return 'slurmd runs as root alone';
  return null;
}

/** The process that started another, as /proc says. */
function parentOf(id: number): number {
  const status = readFileSync(`/proc/${id}/stat`, 'utf8');
  return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A Slurm cluster on this machine: munged, slurmctld and two slurmd, with a key, ports and folders of its own. */
export class SlurmCluster {
  readonly #daemons = new Map<string, ChildProcess>();

  private constructor(private readonly folder: string) {}

  static async start(): Promise<SlurmCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'slurm-'));
    chmodSync(folder, 0o755);
    for (const name of ['state', 'n1', 'n2']) mkdirSync(join(folder, name));
    const [controller, first, second] = [await freePort(), await freePort(), await freePort()];
    const host = hostname().split('.')[0];
    const node = (name: string, port: number) =>
      `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=2`;
    const settings = [
      'ClusterName=flowbook',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmctldPort=${controller}`,
      'SlurmUser=root',
      'SlurmdUser=root',
      'AuthType=auth/munge',
      `AuthInfo=socket=${folder}/munge.socket`,
      `StateSaveLocation=${folder}/state`,
      `SlurmdSpoolDir=${folder}/%n`,
      `SlurmctldPidFile=${folder}/slurmctld.pid`,
      `SlurmdPidFile=${folder}/%n.pid`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SelectType=select/cons_tres',
      'MpiDefault=none',
      'ReturnToService=2',
      'SlurmdTimeout=10',
      'KillWait=30',
      'MessageTimeout=5',
      'SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1',
      'JobAcctGatherType=jobacct_gather/none',
      'AccountingStorageType=accounting_storage/none',
      node('n1', first),
      node('n2', second),
      'PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4',
    ];
    writeFileSync(join(folder, 'slurm.conf'), `${settings.join('\n')}\n`);
    writeFileSync(join(folder, 'munge.key'), randomBytes(1024), { mode: 0o600 });
    const cluster = new SlurmCluster(folder);
    cluster.#start('munged', [
      '--foreground',
      '--force',
      ...['key', 'socket', 'pid', 'log', 'seed'].map((one) =>
        one === 'key' || one === 'socket'
          ? `--${one === 'key' ? 'key-file' : 'socket'}=${folder}/munge.${one}`
          : `--${one}-file=${folder}/munge.${one}`,
      ),
    ]);
    while (!existsSync(join(folder, 'munge.socket'))) await pause(50);
    cluster.#start('slurmctld', ['-D']);
    for (const name of ['n1', 'n2']) cluster.#start('slurmd', ['-D', '-N', name], name);
    while (!cluster.#says('sinfo', '--noheader', '--format=%t').trim().startsWith('idle'))
      await pause(200);
    return cluster;
  }

  /** The environment in which Slurm's commands find this cluster. */
  get environment(): Record<string, string> {
    return { SLURM_CONF: join(this.folder, 'slurm.conf') };
  }

  /** Name of the node that a job runs on. */
  nodeOf(id: string): string {
    const said = this.#says('scontrol', 'show', 'job', '--oneliner', id);
    return /\bBatchHost=(\w+)/.exec(said)?.[1] ?? '';
  }

  /**
   * Takes a job's node away at once, and tells the controller, which would notice within minutes. Nor is there a wait of two
   * minutes, which is Slurm's before it runs again what was lost.
   */
  async lose(id: string, processOfJob: number): Promise<void> {
    const node = this.nodeOf(id);
    this.#daemons.get(node)?.kill('SIGKILL');
    this.#daemons.delete(node);
    // The job's own daemon first, which would otherwise report that its process was ended.
    for (const one of [parentOf(processOfJob), processOfJob]) process.kill(one, 'SIGKILL');
    this.#says('scontrol', 'update', `nodename=${node}`, 'state=down', 'reason=gone');
    while (!this.#says('scontrol', 'show', 'job', '--oneliner', id).includes('Reason=BeginTime'))
      await pause(100);
    this.#says('scontrol', 'update', `jobid=${id}`, 'starttime=now');
  }

  async stop(): Promise<void> {
    const ends = [...this.#daemons.values()].reverse().map((child) => {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      return ended;
    });
    await Promise.all(ends);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #start(
    program: keyof typeof PROGRAMS,
    parameters: readonly string[],
    name: string = program,
  ): void {
    const environment = { ...process.env, ...this.environment };
    const child = spawn(PROGRAMS[program], parameters, { env: environment, stdio: 'ignore' });
    this.#daemons.set(name, child);
  }

  #says(command: string, ...parameters: string[]): string {
    try {
      return execFileSync(command, parameters, {
        env: { ...process.env, ...this.environment },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch {
      return '';
    }
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
