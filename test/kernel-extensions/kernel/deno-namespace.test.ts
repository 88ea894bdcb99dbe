import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { denoNamespace } from '../../../kernel-extensions/src/kernel/engine/dialects/deno-namespace';

interface Output {
  success: boolean;
  stdout: Uint8Array;
}

interface Deno {
  Command: new (
    program: string,
    options?: { args: string[] },
  ) => {
    output(): Promise<Output>;
    outputSync(): Output;
  };
  remove(path: string, options?: { recursive: boolean }): Promise<void>;
}

describe('the Deno namespace', () => {
  const { Command, remove } = denoNamespace({}, () => {}) as Deno;

  it('Command gives a program that reads its input none, and takes all that it prints', async () => {
    const print = "process.stdin.on('end', () => process.stdout.write('a'.repeat(3e6))).resume()";
    const command = new Command(process.execPath, { args: ['-e', print] });
    for (const { success, stdout } of [await command.output(), command.outputSync()]) {
      assert.equal(success, true);
      assert.equal(stdout.length, 3e6);
    }
  });

  it('remove() takes a link, not what it leads to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    const [full, link, broken] = ['full', 'link', 'broken'].map((name) => join(folder, name));
    try {
      mkdirSync(full);
      writeFileSync(join(full, 'kept'), '');
      symlinkSync(full, link);
      symlinkSync(join(folder, 'nowhere'), broken);
      for (const path of [link, broken]) {
        await remove(path);
        assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
      }
      assert.ok(existsSync(join(full, 'kept')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
