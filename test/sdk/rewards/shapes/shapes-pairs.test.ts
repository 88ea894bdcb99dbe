import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadPipeline,
  loadShapesPairs,
  OfflineDPOTrainer,
  renderScene,
  type PlacedObject,
} from '@flowbook/sdk';

const circle: PlacedObject = { shape: 'circle', color: 'red', x: 24, y: 24 };
const square: PlacedObject = { shape: 'square', color: 'red', x: 24, y: 24 };
const record = {
  uid: '0',
  prompt: 'a circle',
  scene_win: [circle],
  scene_lose: [square],
  win_score: 1,
  lose_score: 0,
};

describe('loadShapesPairs()', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-pairs-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const write = (...records: object[]) => {
    const path = join(folder, 'pairs.jsonl');
    writeFileSync(path, records.map((one) => JSON.stringify(one)).join('\n'));
    return path;
  };

  it('draws both pictures', () => {
    assert.deepEqual(loadShapesPairs(write(record)), [
      {
        uid: '0',
        prompt: 'a circle',
        chosen: renderScene([circle]),
        rejected: renderScene([square]),
        winScore: 1,
        loseScore: 0,
      },
    ]);
  });

  it('names the line and the field that are wrong', () => {
    const wrong = { ...record, scene_lose: [{ ...square, color: 'pink' }] };
    assert.throws(
      () => loadShapesPairs(write(record, wrong)),
      /^Error: Cannot read pairs from ".*" as scene_lose\.0\.color of line 2 breaks its rule/,
    );
    assert.throws(
      () => loadShapesPairs(write({ ...record, win_score: 0, lose_score: 1 })),
      /as win_score of line 1 breaks its rule \(must be at least lose_score\)/,
    );
  });

  it('gives what OfflineDPOTrainer learns from', async function () {
    this.timeout(120_000);
    const pipeline = await loadPipeline('datasets/tiny-qwen-image', {
      algorithm: 'dpo',
      height: 64,
      width: 64,
    });
    const pairs = loadShapesPairs('datasets/shapes/pairs.jsonl').slice(0, 2);
    const trainer = new OfflineDPOTrainer(pipeline, { pairs, compile: false });
    const { pairs: count, loss } = await trainer.step();
    assert.equal(count, 2);
    assert.ok(Number.isFinite(loss));
    trainer.dispose();
  });
});
