import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomKey } from '@flowbook/sdk';
import { inTurn, lossOf } from './trial';

const key = RandomKey.fromSeed(1);

describe('lossOf()', () => {
  it('is null, or what an error says, and leaves no folder', async () => {
    let folder = '';
    const note = (_: RandomKey, own: string) => {
      folder = own;
      writeFileSync(join(own, 'file'), '');
      return Promise.resolve();
    };
    assert.equal(await lossOf(note, key), null);
    assert.equal(existsSync(folder), false);
    assert.equal(
      await lossOf(
        inTurn(note, () => Promise.reject(new Error('gone'))),
        key,
      ),
      'gone',
    );
  });

  it('counts what never ends as lost', async () => {
    const hang = () => new Promise<void>(() => undefined);
    assert.equal(await lossOf(hang, key, 0.01), 'it was not over within 0.01 seconds');
  });
});
