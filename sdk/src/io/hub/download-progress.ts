import { cellSignal } from '../../core/cell-signal';
import { formatBytes } from '../../core/format-bytes';
import { observer } from '../../core/observer';
import { isSet } from './is-set';

/** How far a download has come. */
export interface DownloadProgress {
  /** `owner/name` */
  model: string;
  /** Bytes that are here, those of an earlier download included. */
  doneBytes: number;
  totalBytes: number;
  /** Since the download began. */
  seconds: number;
}

/** Twice a second, and every ten seconds where lines cannot be written over. */
const LIVE_MS = 500;
const LOG_MS = 10_000;

/** Counts bytes and tells of them at a calm pace. */
export class ProgressMeter {
  readonly #startMs = Date.now();
  readonly #report: (progress: DownloadProgress) => void;
  readonly #paceMs: number;
  #doneBytes = 0;
  #nextMs: number;

  constructor(
    readonly model: string,
    readonly totalBytes: number,
    onProgress: ((progress: DownloadProgress) => void) | null,
  ) {
    const isLive = process.stderr.isTTY || cellSignal() !== null;
    const write = isLive ? writeOver : writeLine;
    this.#report = onProgress ? observer(onProgress, 'onProgress', 'the download') : write;
    this.#paceMs = onProgress || isLive ? LIVE_MS : LOG_MS;
    this.#nextMs = this.#startMs + this.#paceMs;
  }

  /** Adds bytes that have arrived. */
  readonly add = (count: number): void => {
    this.#doneBytes += count;
    if (Date.now() >= this.#nextMs) this.#tell();
  };

  /** Tells of the end. */
  finish(): void {
    this.#tell();
    if (this.#report === writeOver) process.stderr.write('\n');
  }

  #tell(): void {
    this.#nextMs = Date.now() + this.#paceMs;
    this.#report({
      model: this.model,
      doneBytes: this.#doneBytes,
      totalBytes: this.totalBytes,
      seconds: (Date.now() - this.#startMs) / 1000,
    });
  }
}

function line({ model, doneBytes, totalBytes, seconds }: DownloadProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
  return `${model}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${percent} %) in ${seconds.toFixed(0)} s`;
}

function writeOver(progress: DownloadProgress): void {
  if (isSet(process.env.HF_HUB_DISABLE_PROGRESS_BARS)) return;
  process.stderr.write(`\r${line(progress)} `);
}

function writeLine(progress: DownloadProgress): void {
  if (isSet(process.env.HF_HUB_DISABLE_PROGRESS_BARS)) return;
  process.stderr.write(`${line(progress)}\n`);
}
