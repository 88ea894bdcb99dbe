import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RayWorkers } from '@flowbook/kernel-extensions';
import {
  MAX_FRAME_HEADER_BYTES,
  RewardPool,
  WorkerPool,
  pixelImage,
  type Frame,
  type WorkerLink,
} from '@flowbook/sdk';
import { EMPTY, partAt } from '../../sdk/rollout-workers/held-workers';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';

/** A driver with one worker, that ends after its first answer to `op`; as `deaf`, after a while, and hears nothing. */
const driver = (op: string) => `#!${process.execPath}
let held = Buffer.alloc(0);
function say(header) {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(text.length, 0);
  require('node:fs').writeSync(1, Buffer.concat([prefix, text]));
}
say({ event: 'connected' });
if ('${op}' === 'deaf') setTimeout(() => process.exit(1), 200);
else process.stdin.on('data', (chunk) => {
  held = Buffer.concat([held, chunk]);
  while (held.length >= 8) {
    const [header, payload] = [held.readUInt32LE(0), held.readUInt32LE(4)];
    if (held.length < 8 + header + payload) return;
    const { op, call } = JSON.parse(held.subarray(8, 8 + header));
    held = held.subarray(8 + header + payload);
    if (op === 'start') say({ event: 'joined', worker: 1, host: 'somewhere' });
    if (op === 'keep') say({ call });
    if (op === '${op}') process.exit(1);
  }
});
`;

const FRAME: Frame = { header: { index: 0 }, payload: new Uint8Array(10) };
const ENDED = 'the driver of the Ray cluster ended';

let folder: string;

function workers(op: string, command?: [string]): RayWorkers {
  const [python, tokenFile] = [join(folder, op), join(folder, 'token')];
  writeFileSync(tokenFile, 'made-up');
  writeFileSync(python, driver(op));
  chmodSync(python, 0o755);
  return new RayWorkers({ address: '127.0.0.1:1', tokenFile, python, command });
}

function driverFolder(): void {
  before(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-driver-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));
}

describe('RayWorkers whose driver ends', () => {
  driverFolder();

  it('tell so, and keep no more weights', async () => {
    const source = workers('keep');
    const left: [string, string][] = [];
    const said = await textOnStderr(async () => {
      const ended = new Promise<string>((resolve, reject) => {
        const events = {
          joined: () => {},
          left: ({ name }: WorkerLink, reason: string) => void left.push([name, reason]),
          ended: resolve,
        };
        source.open(events).catch(reject);
      });
      while (source.places.length === 0) await new Promise((done) => setTimeout(done, 5));
      await source.keep('first', [FRAME]);
      assert.equal(await ended, ENDED);
    });
    assert.equal(said, `Rollout workers are gone: ${ENDED}\n`);
    assert.deepEqual(left, [['somewhere-1', ENDED]]);
    assert.deepEqual(source.places, []);
    await assert.rejects(source.keep('second', [FRAME]), {
      message: `Cannot keep weights as Ray must be there: ${ENDED}`,
    });
    await source.close();
  });

  it('fail all weights that wait to be sent, though the driver takes no more of the first', async () => {
    const source = workers('deaf');
    const big: Frame = { header: {}, payload: new Uint8Array(1 << 20) };
    const said = await textOnStderr(async () => {
      await source.open({ joined: () => {}, left: () => {}, ended: () => {} });
      const kept = ['first', 'second', 'third'].map((id) => source.keep(id, [big]));
      for (const one of kept) {
        await assert.rejects(one, {
          message: `Cannot keep weights as Ray must be there: ${ENDED}`,
        });
      }
    });
    assert.equal(said, `Rollout workers are gone: ${ENDED}\n`);
    await source.close();
  });

  it('fail the parts that wait in a pool, and those after them', async () => {
    const pool = new WorkerPool(workers('call'), { path: 'none' });
    const gone = { message: `Cannot roll out as there must be workers: ${ENDED}` };
    await textOnStderr(async () => {
      await pool.publish(1, EMPTY);
      await assert.rejects(pool.rollOut(partAt(0), 1, null), gone);
    });
    await assert.rejects(pool.rollOut(partAt(1), 1, null), gone);
    await assert.rejects(pool.publish(2, EMPTY), gone);
    await pool.close();
  });

  it('fail the ratings that wait in a pool, and those after them', async () => {
    const pool = new RewardPool(workers('call'), { reward: 'redness' });
    const rate = () =>
      pool.reward([pixelImage(1, 1, [0, 0, 0])], [{ prompt: 'a' }], { signal: null });
    const gone = { message: `Cannot rate over workers as they must be there: ${ENDED}` };
    await textOnStderr(() => assert.rejects(rate(), gone));
    await assert.rejects(rate(), gone);
    await pool.close();
  });
});

describe('RayWorkers that are given what is too long for a frame', () => {
  driverFolder();
  const events = { joined: () => {}, left: () => {}, ended: () => {} };
  const long = 'a'.repeat(MAX_FRAME_HEADER_BYTES);
  const refusal =
    /^Cannot send a frame as its header must have at most 1048576 bytes: current value is \d+$/;

  it('refuse it, and go on', async () => {
    const source = workers('never');
    await source.open(events);
    await assert.rejects(source.keep('first', [{ ...FRAME, header: { long } }]), {
      message: refusal,
    });
    await source.keep('second', [FRAME]);
    await source.close();
  });

  it('open() refuses a command of that length, and ends the driver', async () => {
    await assert.rejects(workers('never', [long]).open(events), { message: refusal });
  });
});
