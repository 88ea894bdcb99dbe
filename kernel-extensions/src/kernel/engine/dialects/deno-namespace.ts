import { spawnSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { join } from 'node:path';
import { AlreadyExists, NotFound, PermissionDenied, translated } from './deno-errors';
import { openFile } from './deno-file';
import { denoInspect } from './deno-inspect';

/** Both forms of a function of Deno's: `name`, which returns a promise, and `nameSync`. */
function both<Name extends string, Args extends unknown[], Result>(
  name: Name,
  work: (...args: Args) => Result,
) {
  const sync = (...args: Args): Result => {
    try {
      return work(...args);
    } catch (error) {
      throw translated(error);
    }
  };
  const later = async (...args: Args): Promise<Result> => sync(...args);
  return { [name]: later, [`${name}Sync`]: sync } as Record<Name, typeof later> &
    Record<`${Name}Sync`, typeof sync>;
}

type Path = string | URL;
interface WriteOptions {
  append?: boolean;
}

function fileInfo(stats: fs.Stats) {
  return {
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
    isSymlink: stats.isSymbolicLink(),
    size: stats.size,
    mtime: stats.mtime,
    atime: stats.atime,
    birthtime: stats.birthtime,
    mode: stats.mode,
  };
}

function entries(path: Path) {
  return fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    isFile: entry.isFile(),
    isDirectory: entry.isDirectory(),
    isSymlink: entry.isSymbolicLink(),
  }));
}

const write = (path: Path, data: string | Uint8Array, { append = false }: WriteOptions = {}) =>
  append ? fs.appendFileSync(path, data) : fs.writeFileSync(path, data);

const files = {
  ...both('readTextFile', (path: Path) => fs.readFileSync(path, 'utf8')),
  ...both('readFile', (path: Path) => new Uint8Array(fs.readFileSync(path))),
  ...both('writeTextFile', write),
  ...both('writeFile', write),
  ...both('mkdir', (path: Path, options?: { recursive?: boolean }) => {
    fs.mkdirSync(path, options);
  }),
  ...both('remove', (path: Path, { recursive = false }: { recursive?: boolean } = {}) =>
    fs.lstatSync(path).isDirectory() && !recursive
      ? fs.rmdirSync(path)
      : fs.rmSync(path, { recursive }),
  ),
  ...both('rename', (from: Path, to: Path) => fs.renameSync(from, to)),
  ...both('copyFile', (from: Path, to: Path) => fs.copyFileSync(from, to)),
  ...both('chmod', (path: Path, mode: number) => fs.chmodSync(path, mode)),
  ...both('link', (from: string, to: string) => fs.linkSync(from, to)),
  ...both('symlink', (from: string, to: string) => fs.symlinkSync(from, to)),
  ...both('readLink', (path: Path) => fs.readlinkSync(path)),
  ...both('truncate', (path: string, length?: number) => fs.truncateSync(path, length)),
  ...both('open', openFile),
  ...both('create', (path: Path) => openFile(path, { create: true, truncate: true, write: true })),
  ...both('stat', (path: Path) => fileInfo(fs.statSync(path))),
  ...both('lstat', (path: Path) => fileInfo(fs.lstatSync(path))),
  ...both('realPath', (path: Path) => fs.realpathSync(path)),
  ...both('makeTempDir', ({ prefix = '' }: { prefix?: string } = {}) =>
    fs.mkdtempSync(join(os.tmpdir(), prefix)),
  ),
  ...both('makeTempFile', ({ prefix = '', suffix = '' } = {}) => {
    const file = join(fs.mkdtempSync(join(os.tmpdir(), prefix)), `file${suffix}`);
    fs.writeFileSync(file, '');
    return file;
  }),
  readDirSync: (path: Path) => entries(path),
  async *readDir(path: Path) {
    try {
      yield* entries(path);
    } catch (error) {
      throw translated(error);
    }
  },
};

const env = {
  get: (name: string) => process.env[name],
  set: (name: string, value: string) => void (process.env[name] = value),
  has: (name: string) => name in process.env,
  delete: (name: string) => void delete process.env[name],
  toObject: () => ({ ...process.env }),
};

interface CommandOptions {
  args?: string[];
  cwd?: Path;
  env?: Record<string, string>;
}

/** `Deno.Command`, for programs that are run to their end. */
class Command {
  constructor(
    private readonly program: string,
    private readonly options: CommandOptions = {},
  ) {}

  private get surroundings() {
    const { cwd, env } = this.options;
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    return { cwd, env: { ...process.env, ...env }, stdio };
  }

  outputSync() {
    const { status, stdout, stderr, error } = spawnSync(this.program, this.options.args ?? [], {
      ...this.surroundings,
      maxBuffer: Infinity,
    });
    if (error) throw translated(error);
    return { code: status ?? 1, success: status === 0, stdout, stderr };
  }

  output(): Promise<{ code: number; success: boolean; stdout: Uint8Array; stderr: Uint8Array }> {
    return new Promise((settle, fail) => {
      const child = spawn(this.program, this.options.args ?? [], this.surroundings);
      const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
      child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
      child.once('error', (error) => fail(translated(error) as Error));
      child.once('close', (code) =>
        settle({
          code: code ?? 1,
          success: code === 0,
          stdout: new Uint8Array(Buffer.concat(chunks.stdout)),
          stderr: new Uint8Array(Buffer.concat(chunks.stderr)),
        }),
      );
    });
  }
}

const stream = (name: 'stdout' | 'stderr') => {
  const writeSync = (data: Uint8Array) => {
    process[name].write(data);
    return data.length;
  };
  return { writeSync, write: async (data: Uint8Array) => writeSync(data) };
};

/** The parts of Deno's namespace that notebooks use, on Node. */
export function denoNamespace(jupyter: object, test: unknown): object {
  return {
    jupyter,
    test,
    ...files,
    env,
    Command,
    errors: { NotFound, AlreadyExists, PermissionDenied },
    args: [],
    pid: process.pid,
    ppid: process.ppid,
    mainModule: `file://${process.cwd()}/notebook.ts`,
    noColor: true,
    build: { os: process.platform, arch: process.arch === 'x64' ? 'x86_64' : 'aarch64' },
    version: { deno: 'none', v8: process.versions.v8, typescript: 'none' },
    cwd: () => process.cwd(),
    chdir: (path: string) => process.chdir(path),
    exit: (code?: number) => process.exit(code),
    execPath: () => process.execPath,
    hostname: () => os.hostname(),
    osRelease: () => os.release(),
    osUptime: () => os.uptime(),
    loadavg: () => os.loadavg(),
    uid: () => process.getuid?.() ?? null,
    gid: () => process.getgid?.() ?? null,
    systemMemoryInfo: () => ({ total: os.totalmem(), free: os.freemem(), available: os.freemem() }),
    memoryUsage: () => process.memoryUsage(),
    inspect: denoInspect,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
  };
}
