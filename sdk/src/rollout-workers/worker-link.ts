import type { Frame } from './frame';

/** As many workers in a row lost while they start are no accident. */
export const MOST_LOST_AT_START = 5;

/** A worker was lost while it had something to do; somebody else can do it. */
export class WorkerLost extends Error {
  override name = 'WorkerLost';
}

/** The way to one worker. */
export interface WorkerLink {
  /** Unique among those that are there; a name may come again for one that takes a lost one's place. */
  readonly name: string;
  /**
   * Sends a frame and gives the answer; one call at a time.
   *
   * @param weights What the worker must have before, by the id that the source keeps it under; null: whatever it has.
   * @throws WorkerLost when the worker is gone.
   */
  call(frame: Frame, weights: string | null): Promise<Frame>;
  /** Ends the worker, without waiting. */
  close(): void;
}

/** What a source of workers tells. */
export interface WorkerEvents {
  /** A worker is there and can be asked. */
  joined(link: WorkerLink): void;
  /** Calls that were under way reject, too. */
  left(link: WorkerLink, reason: string): void;
  /** No worker will come any more, by no wish of whoever opened the source: what waits for one has failed. */
  ended(reason: string): void;
}

/** Where workers come from: this machine, a cluster. They may come and go at any time. */
export interface WorkerSource {
  /** Begins to start workers. @throws When there can be none. */
  open(events: WorkerEvents): Promise<void>;
  /** Keeps weights where workers can get them. */
  keep(id: string, frames: readonly Frame[]): Promise<void>;
  /** Forgets weights that no call will ask for any more. */
  drop(id: string): void;
  /** Ends all workers. */
  close(): Promise<void>;
}
