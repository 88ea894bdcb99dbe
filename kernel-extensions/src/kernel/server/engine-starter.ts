import { fork, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentChoice } from '@flowbook/sdk/environment-choice';

const ENGINE_MAIN = join(__dirname, '..', 'engine', 'main.js');

/** See engine/async-hook-checks.ts. */
const ENGINE_FLAGS = ['--no-force-async-hooks-checks'];

const MAKE_AFTER_MS = 3000;

/** Set to `off`, the engine starts from Node's own snapshot. */
const SETTING = 'FLOWBOOK_START_IMAGE';

const pieces = () => import('../../../setup/start-image/start-image.mjs');
type Pieces = Awaited<ReturnType<typeof pieces>>;

/** A process on its way to be an engine. */
export interface StartedEngine {
  child: ChildProcess;
  /** Whether it starts from an image. */
  fromImage: boolean;
}

/**
 * Starts the processes that run cells: where there is a start image, from a snapshot of Node in which the
 * compiler is loaded and has read the libraries' types. The first one begins before anybody asks for it.
 */
export class EngineStarter {
  private first: StartedEngine | null;
  /** With what an engine did not start; null: none, or nothing came of it yet. */
  private suspect: string | null = null;

  private constructor(
    private readonly pieces: Pieces | null,
    /** Null where there is none. */
    private image: string | null,
  ) {
    this.first = this.fork();
  }

  /** @throws When the variable says another word. */
  static async create(): Promise<EngineStarter> {
    if (environmentChoice(SETTING, ['off']) === 'off') return new EngineStarter(null, null);
    const found = await pieces();
    return new EngineStarter(found, found.findStartImage());
  }

  start(): StartedEngine {
    const { first } = this;
    this.first = null;
    if (first === null) return this.fork();
    const { exitCode, signalCode } = first.child;
    if (exitCode === null && signalCode === null) return first;
    // It ended before anybody could hear of it.
    if (first.fromImage) this.leaveImage(exitCode, signalCode);
    return this.fork();
  }

  /**
   * An engine did not start from the image: none will any more, here. Other kernels go on with the image, unless it may be why
   * and an engine does start without it.
   */
  leaveImage(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.pieces?.mayBeTheImage({ code, signal })) this.suspect = this.image;
    this.image = null;
  }

  /** An engine has started: where one did not before, that was the image's fault, and it is refused everywhere. */
  started(): void {
    if (this.suspect !== null) this.pieces?.refuseStartImage(this.suspect);
    this.suspect = null;
  }

  /** Has a missing image made by another process, for the kernels to come. */
  makeMissingImage(): void {
    if (this.image || !this.pieces) return;
    const { isStartImageWanted, makerOfStartImages } = this.pieces;
    setTimeout(() => {
      if (!isStartImageWanted()) return;
      const maker = spawn(process.execPath, [fileURLToPath(makerOfStartImages)], {
        detached: true,
        stdio: 'ignore',
      });
      maker.on('error', () => {});
      maker.unref();
    }, MAKE_AFTER_MS).unref();
  }

  private fork(): StartedEngine {
    const { image } = this;
    const child = fork(ENGINE_MAIN, [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      serialization: 'advanced',
      env: { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env },
      execArgv: [...ENGINE_FLAGS, ...(image === null ? [] : ['--snapshot-blob', image])],
    });
    return { child, fromImage: image !== null };
  }
}
