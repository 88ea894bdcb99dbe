import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { type DisplayBundle, mime } from '../bundle';
import type { DisplaySink, PublishOptions } from './display-sink';

/** MIME types that are written, with the endings of their files. */
const endings: Record<string, string> = {
  [mime.vegaLite]: '.vl.json',
  [mime.png]: '.png',
  'image/jpeg': '.jpg',
  'image/svg+xml': '.svg',
  [mime.html]: '.html',
  [mime.markdown]: '.md',
  'application/json': '.json',
  [mime.plain]: '.txt',
};
const binary = new Set<string>([mime.png, 'image/jpeg']);

/**
 * Writes each display to files `NN-name.*` in a folder, one for each form it has: a chart gives
 * `01-sigmas.vl.json`, `01-sigmas.png` and `01-sigmas.txt`. An update replaces its display's files.
 *
 * @example
 * const sink = new FileSink('out');
 * await display('a red circle', { name: 'circle', sink });
 * sink.files; // ['out/01-circle.txt']
 */
export class FileSink implements DisplaySink {
  /** Paths of all files written so far, in order. */
  readonly files: string[] = [];
  private readonly stems = new Map<string, string>();
  private count = 0;

  /** @param directory made on the first write, with its parents. */
  constructor(readonly directory: string) {}

  /** How many displays have been written. */
  get displays(): number {
    return this.count;
  }

  /** Takes displays for written that an earlier run of the same cells has left, so that numbers go on after theirs. */
  adopt(files: readonly string[], displays: number): void {
    this.files.push(...files);
    this.count += displays;
  }

  publish(bundle: DisplayBundle, { displayId, update }: PublishOptions): void {
    const known = displayId === undefined ? undefined : this.stems.get(displayId);
    const stem = update && known ? known : this.nextStem(bundle, displayId);
    mkdirSync(this.directory, { recursive: true });
    for (const [type, ending] of Object.entries(endings)) {
      const file = path.join(this.directory, stem + ending);
      const content = bundle.data[type];
      if (content === undefined) this.remove(file);
      else
        this.write(
          file,
          binary.has(type) ? Buffer.from(String(content), 'base64') : toText(content),
        );
    }
  }

  private nextStem(bundle: DisplayBundle, displayId: string | undefined): string {
    this.count += 1;
    const name = (bundle.name ?? 'output').toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const stem = `${String(this.count).padStart(2, '0')}-${name}`;
    if (displayId !== undefined) this.stems.set(displayId, stem);
    return stem;
  }

  private write(file: string, content: string | Buffer): void {
    writeFileSync(file, content);
    if (!this.files.includes(file)) this.files.push(file);
  }

  /** A frame without a picture must not leave the picture of an earlier frame beside it. */
  private remove(file: string): void {
    const index = this.files.indexOf(file);
    if (index < 0) return;
    rmSync(file, { force: true });
    this.files.splice(index, 1);
  }
}

function toText(content: unknown): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content, null, 1);
  return text.endsWith('\n') ? text : `${text}\n`;
}
