import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { get } from 'node:http';

const ADDRESS = '127.0.0.1';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Processes by their parent's id, as /proc says. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => parentOf(id) === parent);
}

/** The id of a process's parent; null when it is gone. */
function parentOf(id: number): number | null {
  try {
    const status = readFileSync(`/proc/${id}/stat`, 'utf8');
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function end(id: number): void {
  try {
    process.kill(id, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** One of a cluster's nodes: `ray start --block` and its children. */
export class RayNode {
  constructor(readonly main: ChildProcess) {}

  /** All of its processes: its parent first, which would otherwise shut the node down in order. */
  processes(): number[] {
    const below = (id: number): number[] => [id, ...childrenOf(id).flatMap(below)];
    return below(this.main.pid as number);
  }

  /** Takes the node away at once, and for good. */
  kill(): void {
    this.processes().forEach(end);
  }
}

/** A Ray cluster on this machine's loopback, with a token; each node is a node of its own by Ray's account. */
export class RayCluster {
  readonly nodes: RayNode[] = [];

  private constructor(
    private readonly bin: string,
    private readonly folder: string,
    readonly address: string,
    /** Of the Jobs API. */
    readonly dashboard: string,
    readonly tokenFile: string,
  ) {}

  /** Starts a head with so many processors. */
  static async start(processors: number): Promise<RayCluster> {
    const setup = (await import('../../kernel-extensions/setup/index.mjs')) as {
      cacheFolder(): string;
      rayPython(cache: string): string;
    };
    const bin = dirname(setup.rayPython(setup.cacheFolder()));
    // A short path: Ray puts sockets below it.
    const folder = mkdtempSync(join(tmpdir(), 'ray-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
    const [port, dashboard, client] = [await freePort(), await freePort(), await freePort()];
    const cluster = new RayCluster(
      bin,
      folder,
      `${ADDRESS}:${port}`,
      `http://${ADDRESS}:${dashboard}`,
      tokenFile,
    );
    await cluster.#start([
      '--head',
      `--port=${port}`,
      `--dashboard-host=${ADDRESS}`,
      `--dashboard-port=${dashboard}`,
      `--ray-client-server-port=${client}`,
      `--temp-dir=${folder}`,
      `--num-cpus=${processors}`,
    ]);
    return cluster;
  }

  get token(): string {
    return readFileSync(this.tokenFile, 'utf8');
  }

  /** Adds a node, and waits until Ray counts it. */
  async addNode(processors: number, resources: Record<string, number> = {}): Promise<RayNode> {
    // By their ids: one that dies meanwhile must not hide the one that comes.
    const before = await this.#aliveIds();
    const node = await this.#start([
      `--address=${this.address}`,
      `--num-cpus=${processors}`,
      `--resources=${JSON.stringify(resources)}`,
    ]);
    while ((await this.#aliveIds()).every((id) => before.includes(id))) await pause(200);
    return node;
  }

  async aliveNodes(): Promise<number> {
    return (await this.#aliveIds()).length;
  }

  async #aliveIds(): Promise<string[]> {
    const { data } = (await this.ask('/nodes?view=summary')) as {
      data: { summary: { raylet: { nodeId: string; state: string } }[] };
    };
    const alive = data.summary.filter(({ raylet }) => raylet.state === 'ALIVE');
    return alive.map(({ raylet }) => raylet.nodeId);
  }

  /** Asks the dashboard. */
  ask(path: string, token = this.token): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      get(`${this.dashboard}${path}`, { headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      }).on('error', reject);
    });
  }

  async stop(): Promise<void> {
    for (const node of [...this.nodes].reverse()) node.kill();
    await pause(200);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  async #start(parameters: readonly string[]): Promise<RayNode> {
    const agent = await freePort();
    const main = spawn(
      join(this.bin, 'ray'),
      [
        'start',
        ...parameters,
        `--node-ip-address=${ADDRESS}`,
        // By default the same for all: of two nodes with one address, one would have no logs to show.
        `--dashboard-agent-listen-port=${agent}`,
        '--object-store-memory=100000000',
        '--disable-usage-stats',
        '--block',
      ],
      {
        stdio: ['ignore', 'ignore', 'ignore'],
        env: {
          ...process.env,
          PATH: `${this.bin}:${process.env.PATH}`,
          RAY_AUTH_MODE: 'token',
          RAY_AUTH_TOKEN_PATH: this.tokenFile,
          RAY_JOB_STOP_WAIT_TIME_S: '30',
          // A job's driver takes no processor from the rollouts.
          RAY_JOB_ALLOW_DRIVER_ON_WORKER_NODES: '1',
          RAY_health_check_period_ms: '1000',
          RAY_health_check_failure_threshold: '5',
        },
      },
    );
    const node = new RayNode(main);
    this.nodes.push(node);
    for (;;) {
      if (main.exitCode !== null) {
        throw new Error(`Cannot start Ray as its node must stay: it ended with ${main.exitCode}`);
      }
      try {
        if ((await this.aliveNodes()) > 0) return node;
      } catch {
        // The dashboard is not there yet.
      }
      await pause(200);
    }
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

let shared: Promise<RayCluster> | null = null;

/** One cluster for all tests of a file: a head with two processors and a node with two. */
export function sharedCluster(): Promise<RayCluster> {
  shared ??= RayCluster.start(2).then(async (cluster) => {
    await cluster.addNode(2);
    return cluster;
  });
  return shared;
}

after(async function () {
  this.timeout(60_000);
  if (shared !== null) await (await shared).stop();
});
