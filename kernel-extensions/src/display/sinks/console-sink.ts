import { type DisplayBundle, mime } from '../bundle';
import type { DisplaySink, PublishOptions } from './display-sink';

/**
 * Prints a display's text/plain. Of a live display only the first and the settled frame are printed.
 *
 * @example
 * const printed: string[] = [];
 * await display('a red circle', { sink: new ConsoleSink((text) => printed.push(text)) });
 * printed.length; // 1
 */
export class ConsoleSink implements DisplaySink {
  constructor(private readonly print: (text: string) => void = console.log) {}

  publish(bundle: DisplayBundle, { update, live = false }: PublishOptions): void {
    if (update && live) return;
    const text = bundle.data[mime.plain];
    this.print(typeof text === 'string' ? text : `<${Object.keys(bundle.data).join(', ')}>`);
  }
}
