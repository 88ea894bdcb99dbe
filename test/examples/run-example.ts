import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tf } from '@flowbook/sdk';
import { repository } from '../setup/setup-module';
import type { ExampleModule } from './example-program';
import { makeFixture, type Fixtures } from './fixtures';
import { CHECK, checkStatement } from './stated-value';

const AsyncFunction = (async () => {}).constructor as new (
  ...parametersAndBody: string[]
) => (...parameters: unknown[]) => Promise<void>;

/**
 * Runs an example and checks the values that it states. It runs in a folder of its own that shows the repository's
 * `datasets`, `notebooks` and `test`, so that what it writes is gone afterwards; so are the tensors and
 * variables that it leaves.
 */
export async function runExample({ script, fixtures }: ExampleModule): Promise<void> {
  const made = Object.fromEntries(
    fixtures.map((name) => [name, makeFixture[name as keyof Fixtures]()]),
  );
  const names = Object.keys(made);
  const run = new AsyncFunction('exports', 'require', '__filename', CHECK, ...names, script);
  const { registeredVariables } = tf.engine().state;
  const before = new Set(Object.keys(registeredVariables));
  const engine = tf.engine();
  await inFolder(async (folder) => {
    engine.startScope('example');
    try {
      const file = join(folder, 'example.ts');
      await run({}, require, file, checkStatement, ...Object.values(made));
    } finally {
      engine.endScope();
      for (const [name, variable] of Object.entries(registeredVariables)) {
        if (!before.has(name)) variable.dispose();
      }
    }
  });
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-example-'));
  const home = process.cwd();
  for (const name of ['datasets', 'notebooks', 'test']) {
    symlinkSync(join(repository, name), join(folder, name));
  }
  process.chdir(folder);
  try {
    await run(folder);
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  }
}
