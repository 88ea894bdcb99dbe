import { MemorySink, mime, setDisplaySink, settleDisplays } from '@flowbook/kernel-extensions';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { untypedExample } from '../examples/example-program';
import { documentExamples, type Example } from '../examples/example';
import { runExample } from '../examples/run-example';
import { repository } from '../setup/setup-module';

const page = 'docs/displays.md';

/** An example of the page of displays, with the picture that stands below it. */
export interface DisplayExample extends Example {
  /** The picture's path from the repository's root. */
  picture: string;
}

/** Examples of docs/displays.md that have no picture. */
export function otherExamples(): Example[] {
  const drawn = new Set(displayExamples().map(({ name }) => name));
  return documentExamples(page).filter(({ name }) => !drawn.has(name));
}

/** Every example of docs/displays.md that has a picture. */
export function displayExamples(): DisplayExample[] {
  const lines = readFileSync(join(repository, page), 'utf8').split('\n');
  return documentExamples(page).flatMap((example) => {
    const from = Number(example.name.split(':')[1]);
    const end = lines.indexOf('```', from);
    const match = /^!\[[^\]]+\]\((displays\/[a-z-]+\.png)\)$/.exec(lines[end + 2] ?? '');
    return match ? [{ ...example, picture: join('docs', match[1]) }] : [];
  });
}

/** What an example displays last, by MIME type. */
export async function shownBy(example: Example): Promise<Record<string, unknown>> {
  const sink = new MemorySink();
  const restore = setDisplaySink(sink);
  try {
    await runExample(untypedExample(example));
    await settleDisplays();
  } finally {
    restore();
  }
  return sink.published.at(-1)?.bundle.data ?? {};
}

/** The PNG of the last thing that an example displays. */
export async function drawnBy(example: Example): Promise<Buffer> {
  const data = (await shownBy(example))[mime.png];
  if (typeof data !== 'string') {
    throw new Error(`Cannot draw ${example.name} as it must display a picture: it displays none`);
  }
  return Buffer.from(data, 'base64');
}
