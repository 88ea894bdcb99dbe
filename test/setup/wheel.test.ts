import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';
import { zipFile } from './zip-file';

describe('unpackWheel', () => {
  const folder = temporaryFolder();

  it('unpackWheel() writes chosen entries bit for bit, deflated and stored ones', async () => {
    const { unpackWheel } = await setupModule('wheel.mjs');
    const noise = randomBytes(3_000_000);
    const zeros = Buffer.alloc(5_000_000);
    const wheel = join(folder.path, 'a.whl');
    writeFileSync(
      wheel,
      zipFile([
        { name: 'tensorflow/lib.so', data: noise },
        { name: 'tensorflow/include/zeros.h', data: zeros },
        { name: 'tensorflow/include/stored.h', data: noise, isStored: true },
        { name: 'tensorflow/include/empty.h', data: Buffer.alloc(0) },
        { name: 'tensorflow/left-out.py', data: noise },
      ]),
    );
    const seen: number[] = [];
    const target = join(folder.path, 'out');
    const count = await unpackWheel(
      wheel,
      target,
      (name: string) => (name.endsWith('.py') ? null : name.replace('tensorflow/', '')),
      (fraction: number) => seen.push(fraction),
    );
    assert.equal(count, 4);
    assert.deepEqual(readFileSync(join(target, 'lib.so')), noise);
    assert.deepEqual(readFileSync(join(target, 'include/zeros.h')), zeros);
    assert.deepEqual(readFileSync(join(target, 'include/stored.h')), noise);
    assert.equal(readFileSync(join(target, 'include/empty.h')).length, 0);
    assert.equal(seen.at(-1), 1);
  });

  it('unpackWheel() refuses a file that is no zip file', async () => {
    const { unpackWheel } = await setupModule('wheel.mjs');
    const file = join(folder.path, 'page.whl');
    writeFileSync(file, '<html>a proxy says no</html>');
    await assert.rejects(
      unpackWheel(file, folder.path, () => null),
      new RegExp(`Cannot read the wheel as it is no zip file: ${file}`),
    );
  });

  it('unpackWheel() writes nothing outside of its folder', async () => {
    const { unpackWheel } = await setupModule('wheel.mjs');
    const file = join(folder.path, 'leaves.whl');
    for (const name of ['../out.txt', 'a/../../out.txt', '..', 'a\0b']) {
      writeFileSync(file, zipFile([{ name, data: Buffer.from('x') }]));
      await assert.rejects(
        unpackWheel(file, join(folder.path, 'inside'), (one: string) => one),
        {
          message: `Cannot unpack the wheel as its files must lie inside of it: current value is ${JSON.stringify(name)}`,
        },
      );
    }
    assert.equal(existsSync(join(folder.path, 'out.txt')), false);
  });

  it('unpackWheel() stops a file that grows beyond what it said, and refuses one that is cut off', async () => {
    const { unpackWheel } = await setupModule('wheel.mjs');
    const file = join(folder.path, 'bomb.whl');
    const zip = zipFile([{ name: 'bomb', data: Buffer.alloc(50_000_000) }]);
    const size = zip.lastIndexOf(Buffer.from('PK\x01\x02')) + 24;
    const unpack = () => unpackWheel(file, join(folder.path, 'bomb'), (one: string) => one);
    for (const [said, found] of [
      [1_000, 'more'],
      [60_000_000, '50000000'],
    ] as const) {
      zip.writeUInt32LE(said, size);
      writeFileSync(file, zip);
      await assert.rejects(unpack(), {
        message: `Cannot unpack "bomb" of the wheel: it must have ${said} bytes, and has ${found}`,
      });
    }
    assert.ok(statSync(join(folder.path, 'bomb/bomb')).size <= 50_000_000);
    writeFileSync(file, Buffer.concat([Buffer.alloc(10), zip.subarray(0, -40), zip.subarray(-22)]));
    await assert.rejects(unpack(), /^Error: Cannot /);
  });
});
