import type { DisplayBundle } from '../bundle';

/** How a bundle is to be published. */
export interface PublishOptions {
  /** Names the output, so that later bundles can replace it. */
  displayId?: string;
  /** True replaces the outputs that carry `displayId`; false adds an output. */
  update: boolean;
  /** True for a frame of a live display that further frames will follow. */
  live?: boolean;
}

/** Where displays go: a kernel, files, memory, a terminal. */
export interface DisplaySink {
  /** Takes one display, or one in the place of another. */
  publish(bundle: DisplayBundle, options: PublishOptions): void | Promise<void>;
  /** Clears the cell's output; with `wait`, only when the next output arrives. */
  clear?(options: { wait: boolean }): void | Promise<void>;
}
