import assert from 'node:assert/strict';
import promises from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { RandomKey } from '@flowbook/sdk';
import { textOnStderr } from '../sdk/io/hub/text-on-stderr';
import { withFaultyDisk } from '../trust/faulty-disk';
import { draw, requireEqual, trainHere, undisturbed } from './trial';

const plain = () => undisturbed('plain', () => trainHere({}));

/** Every write of a checkpoint takes up to a tenth of a second: training goes on, and what is written is whole. */
export async function slowDisk(key: RandomKey, folder: string): Promise<void> {
  const expected = await plain();
  const { open } = promises;
  let writes = 0;
  promises.open = async (...parameters) => {
    await sleep(draw(key, `write ${writes++}`, 0, 100));
    return open(...parameters);
  };
  try {
    requireEqual(await trainHere({ runDirectory: join(folder, 'run') }), expected);
  } finally {
    promises.open = open;
  }
}

/** The disk is full at a random file of a random checkpoint: the run ends with an error, and goes on when there is room. */
export async function fullDisk(key: RandomKey, folder: string): Promise<void> {
  const expected = await plain();
  const runDirectory = join(folder, 'run');
  const hit = draw(key, 'file', 0, 12);
  let files = 0;
  const isFull = () => files++ >= hit;
  await textOnStderr(() =>
    withFaultyDisk('ENOSPC', isFull, () =>
      assert.rejects(trainHere({ runDirectory }), /as the disk must have room/),
    ),
  );
  requireEqual(await trainHere({ runDirectory, resume: 'auto' }), expected);
}
