import type { DisplayBundle } from '../bundle';
import type { DisplaySink, PublishOptions } from './display-sink';

/** A bundle as it was published. */
export interface PublishedBundle extends PublishOptions {
  bundle: DisplayBundle;
}

/**
 * Keeps every published bundle, for tests.
 *
 * @example
 * const sink = new MemorySink();
 * await display('a red circle', { sink });
 * sink.published.length; // 1
 */
export class MemorySink implements DisplaySink {
  readonly published: PublishedBundle[] = [];
  readonly clears: { wait: boolean }[] = [];

  publish(bundle: DisplayBundle, options: PublishOptions): void {
    this.published.push({ bundle, ...options });
  }

  clear(options: { wait: boolean }): void {
    this.clears.push(options);
  }
}
