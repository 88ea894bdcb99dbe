import { spawn, type ChildProcessByStdio } from 'node:child_process';
import * as path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { readFrames, writeFrame, type Frame, type FrameHeader } from '@flowbook/sdk';
import { pythonWithRay, rayEnvironment, type RayConnection } from './ray-connection';

const PROGRAM = path.join(__dirname, '..', '..', '..', 'share', 'ray', 'bridge.py');
const NOTHING = new Uint8Array(0);

/** What the bridge tells by itself. */
export interface BridgeEvent {
  event: 'joined' | 'left';
  /** Number of the worker, never used again. */
  worker: number;
  /** Address of its machine. */
  host?: string;
  /** Ray's id of the machine. */
  node?: string;
  actorProcess?: number;
  childProcess?: number;
  reason?: string;
}

/** What is answered in a lost driver's place. */
const lost = (reason: string): Frame => ({ header: { lost: reason }, payload: NOTHING });

/** A Python process that is a driver of a Ray cluster, and speaks frames. There is no Ray client for Node. */
export class RayBridge {
  readonly #waiting = new Map<number, (frame: Frame) => void>();
  readonly #ended: Promise<void>;
  /** Why the driver ended; null while it is there. */
  #lost: string | null = null;
  #calls = 0;
  #sending: Promise<void> = Promise.resolve();

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    frames: AsyncGenerator<Frame>,
    onEvent: (event: BridgeEvent) => void,
    onEnd: (reason: string) => void,
  ) {
    this.#ended = this.#listen(frames, onEvent, onEnd);
  }

  /** @throws When Ray is not installed, or the cluster cannot be reached. */
  static async connect(
    { address, tokenFile, python }: RayConnection,
    onEvent: (event: BridgeEvent) => void,
    onEnd: (reason: string) => void,
  ): Promise<RayBridge> {
    const program = await pythonWithRay(python);
    // -B: the package's own folder stays as it was installed.
    const child = spawn(program, ['-B', PROGRAM, address], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: rayEnvironment({ tokenFile }),
    });
    child.stdin.on('error', () => {});
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const frames = readFrames(child.stdout);
    const first = await Promise.race([frames.next(), failed]);
    if (first.done || first.value.header.event !== 'connected') {
      const reason = first.done ? 'its driver ended' : String(first.value.header.reason);
      throw new Error(`Cannot reach the Ray cluster at ${address} as it must answer: ${reason}`);
    }
    return new RayBridge(child, frames, onEvent, onEnd);
  }

  /** Process id of the driver. */
  get processId(): number | undefined {
    return this.child.pid;
  }

  /**
   * Says something without an answer.
   *
   * @throws When it is too long for a frame.
   */
  tell(header: FrameHeader): Promise<void> {
    return this.#send({ header, payload: NOTHING });
  }

  /**
   * Says something and gives the answer; a lost driver's is `{lost}`.
   *
   * @throws When it is too long for a frame.
   */
  async ask(header: FrameHeader, payload: Uint8Array = NOTHING): Promise<Frame> {
    if (this.#lost !== null) return lost(this.#lost);
    const call = (this.#calls += 1);
    const answer = new Promise<Frame>((resolve) => this.#waiting.set(call, resolve));
    const sent = this.#send({ header: { ...header, call }, payload });
    sent.catch(() => this.#waiting.delete(call));
    await Promise.race([sent, answer]); // a driver may be lost while it takes no more
    return answer;
  }

  /** Ends the actors and the driver. */
  async close(): Promise<void> {
    this.child.stdin.end();
    await this.#ended;
  }

  /** Frames follow each other whole, also after one that was refused. */
  #send(frame: Frame): Promise<void> {
    const sent = this.#sending.then(() => writeFrame(this.child.stdin, frame));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #listen(
    frames: AsyncGenerator<Frame>,
    onEvent: (event: BridgeEvent) => void,
    onEnd: (reason: string) => void,
  ): Promise<void> {
    let reason = 'the driver of the Ray cluster ended';
    try {
      for await (const frame of frames) {
        const { event, call } = frame.header;
        if (event !== undefined) onEvent(frame.header as unknown as BridgeEvent);
        else this.#settle(call as number, frame);
      }
    } catch (error) {
      reason = (error as Error).message;
      this.child.kill('SIGKILL');
    }
    this.#lost = reason;
    for (const call of [...this.#waiting.keys()]) this.#settle(call, lost(reason));
    onEnd(reason);
  }

  #settle(call: number, frame: Frame): void {
    this.#waiting.get(call)?.(frame);
    this.#waiting.delete(call);
  }
}
