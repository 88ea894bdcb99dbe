import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdamW, QwenImageTransformer2DModel, RandomKey, tf } from '@flowbook/sdk';
import { readStateDict, writeStateDict } from '../../../../sdk/src/io/state-dict';
import { loadCheckpoint } from '../../../../sdk/src/training/run/checkpoint-files';

const MODEL = join(__dirname, '../../../golden/models/tiny-qwen-image');
const key = RandomKey.fromSeed(0);

describe('loadCheckpoint()', () => {
  let folder: string;
  let model: QwenImageTransformer2DModel;
  const load = () =>
    loadCheckpoint(folder, {
      model,
      optimizer: new AdamW(model.trainableVariables()),
      average: null,
      policies: {},
      earlier: null,
    });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-checkpoint-'));
    model = QwenImageTransformer2DModel.fromPretrained(MODEL);
  });
  afterEach(() => {
    model.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('refuses weights that the model does not have, by their names', () => {
    const place = join(folder, 'transformer');
    model.savePretrained(place);
    const values = readStateDict(place);
    for (const name of ['a', 'b', 'c', 'd']) values.set(`${name}.weight`, tf.zeros([2]));
    writeStateDict(place, values);
    tf.dispose([...values.values()]);
    assert.throws(load, {
      message: `Cannot load weights of "${place}" as the model must have every tensor of it: it has no a.weight, b.weight, c.weight and 1 more`,
    });
  });

  it('refuses adapters on layers that have none', () => {
    const place = join(folder, 'transformer');
    model.addLora({ rank: 2, targetModules: ['to_q'], key });
    const larger = QwenImageTransformer2DModel.fromPretrained(MODEL);
    larger.addLora({ rank: 2, targetModules: ['to_q', 'attn.to_out.0'], key });
    larger.saveLora(place);
    larger.dispose();
    assert.throws(load, (error: Error) => {
      assert.ok(error.message.startsWith(`Cannot load weights of "${place}" as the model must`));
      assert.match(
        error.message,
        /it has no transformer_blocks\.0\.attn\.to_out\.0\.lora_A\.weight,/,
      );
      return true;
    });
  });
});
