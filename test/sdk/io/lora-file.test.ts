import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLoraFile, writeLoraFile, writeSafetensors } from '../../../sdk/src/io';
import { byPattern } from '../../../sdk/src/io/lora-settings';
import { selectLoraTargets } from '../../../sdk/src/models/lora-targets';
import { tf } from '../../../sdk/src/tensorflow';

describe('LoRA files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-lora-'));
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  const path = () => join(folder, 'lora.safetensors');
  const parts = () => [tf.ones([2, 3]), tf.ones([4, 2])];

  it('readLoraFile() understands the older names of A and B, and alpha beside them', () => {
    const [A, B] = parts();
    for (const [a, b, module] of [
      ['transformer.x.to_q.lora.down', 'transformer.x.to_q.lora.up', 'x.to_q'],
      ['x.processor.to_out_lora.down', 'x.processor.to_out_lora.up', 'x.to_out.0'],
      ['diffusion_model.x.to_q.lora_down', 'diffusion_model.x.to_q.lora_up', 'x.to_q'],
      ['lora_unet_x_to_q.lora_down', 'lora_unet_x_to_q.lora_up', 'x.to_q'],
      ['transformer.x.lora_linear_layer.down', 'transformer.x.lora_linear_layer.up', 'x'],
      [
        'block_lora_unet_x_to_q.lora_down',
        'block_lora_unet_x_to_q.lora_up',
        'block_lora_unet_x_to_q',
      ],
      ['transformer.x.lora_A.default', 'transformer.x.lora_B.default', 'x'],
    ]) {
      writeSafetensors(path(), { [`${a}.weight`]: A, [`${b}.weight`]: B });
      const layers = readLoraFile(path(), { layers: ['x.to_q', 'x.to_k'] });
      assert.deepEqual(
        [...layers].map(([name, { rank, alpha }]) => [name, rank, alpha]),
        [[module, 2, 2]],
      );
    }
    writeSafetensors(path(), {
      'x.lora_down.weight': A,
      'x.lora_up.weight': B,
      'x.alpha': tf.scalar(0.5),
    });
    assert.equal(readLoraFile(path()).get('x')?.alpha, 0.5);
    for (const name of ['blocks.0.to_q.alpha', 'blocks.0.to_q.lora.alpha']) {
      writeSafetensors(path(), {
        'blocks.0.to_q.lora.down.weight': A,
        'blocks.0.to_q.lora.up.weight': B,
        [name]: tf.scalar(0.5),
      });
      assert.equal(readLoraFile(path()).get('blocks.0.to_q')?.alpha, 0.5, name);
    }
  });

  it('readLoraFile() refuses by name what is not a plain LoRA', () => {
    const [A, B] = parts();
    const plain = { 'x.lora_A.weight': A, 'x.lora_B.weight': B };
    for (const [settings, rule] of [
      [{ use_dora: true }, '"use_dora" must be false: current value is true'],
      [{ bias: 'all' }, '"bias" must be "none": current value is "all"'],
      [{ modules_to_save: ['y'] }, '"modules_to_save" must be empty: current value is ["y"]'],
      [{ peft_type: 'LOKR' }, '"peft_type" must be "LORA": current value is "LOKR"'],
      [{ init_lora_weights: 'pissa' }, '"init_lora_weights" must leave the weights as they are'],
      [{ r: 3 }, 'layer "x" must have the rank that its settings say, 3: current value is 2'],
    ] as const) {
      const metadata = { lora_adapter_metadata: JSON.stringify(settings) };
      writeSafetensors(path(), plain, { metadata });
      assert.throws(
        () => readLoraFile(path()),
        (error: Error) => error.message.includes(rule),
      );
    }
    for (const [name, rule] of [
      ['x.lora_magnitude_vector', /as DoRA is not supported: .* x.lora_magnitude_vector/],
      ['x.lora_B.bias', /as "lora_bias" must be false/],
    ] as const) {
      writeSafetensors(path(), { ...plain, [name]: tf.ones([4]) });
      assert.throws(() => readLoraFile(path()), rule);
    }
    for (const [shapeA, shapeB] of [
      [[2], [4, 2]],
      [
        [2, 3, 1, 1],
        [4, 2],
      ],
      [
        [2, 3],
        [4, 2, 1, 1],
      ],
      [
        [2, 3],
        [4, 3],
      ],
      [
        [0, 3],
        [4, 0],
      ],
    ]) {
      writeSafetensors(path(), {
        'x.lora_A.weight': tf.ones(shapeA),
        'x.lora_B.weight': tf.ones(shapeB),
      });
      assert.throws(() => readLoraFile(path()), {
        message: `Cannot read LoRA file "${path()}" as layer "x" must have A (rank, in) and B (out, rank): current value is [${shapeA}] and [${shapeB}]`,
      });
    }
    writeSafetensors(path(), {
      'base_model.model.x.lora_A.weight': A,
      'base_model.model.x.lora_B.weight': B,
    });
    assert.throws(() => readLoraFile(path()), /as adapter_config.json must lie beside it/);
  });

  it('readLoraFile() takes an empty list for a setting that is off', () => {
    const [A, B] = parts();
    const settings = { modules_to_save: [], target_parameters: [], use_dora: false, r: 2 };
    const metadata = { lora_adapter_metadata: JSON.stringify(settings) };
    writeSafetensors(path(), { 'x.lora_A.weight': A, 'x.lora_B.weight': B }, { metadata });
    assert.deepEqual([...readLoraFile(path()).keys()], ['x']);
  });

  it('readLoraFile() takes every start that leaves the weights as they are', () => {
    const [A, B] = parts();
    for (const start of [true, false, 'gaussian', 'eva', 'orthogonal']) {
      const metadata = {
        lora_adapter_metadata: JSON.stringify({ init_lora_weights: start, r: 2 }),
      };
      writeSafetensors(path(), { 'x.lora_A.weight': A, 'x.lora_B.weight': B }, { metadata });
      assert.deepEqual([...readLoraFile(path()).keys()], ['x']);
    }
  });

  it("readLoraFile() leaves no tensor behind when a later layer is refused, and takes PEFT's defaults", () => {
    const [A, B] = parts();
    const peft = Object.fromEntries(
      ['a', 'b'].flatMap((name) => [
        [`base_model.model.${name}.lora_A.weight`, A],
        [`base_model.model.${name}.lora_B.weight`, B],
      ]),
    );
    writeSafetensors(join(folder, 'adapter_model.safetensors'), peft);
    const write = (settings: object) =>
      writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(settings));
    write({ r: 2, rank_pattern: { b: 3 } });
    const before = tf.memory().numTensors;
    assert.throws(() => readLoraFile(folder), /layer "b" must have the rank/);
    assert.equal(tf.memory().numTensors, before);
    write({ r: 2 });
    assert.equal(readLoraFile(folder).get('b')?.alpha, 8);
  });

  it('writeLoraFile() writes PEFT form and half types that readLoraFile() reads', () => {
    const [A, B] = parts() as [tf.Tensor2D, tf.Tensor2D];
    const layers = new Map([
      ['x.to_q', { A, B, rank: 2, alpha: 3 }],
      ['to_q', { A, B, rank: 2, alpha: 5 }],
    ]);
    for (const format of ['peft', 'diffusers'] as const) {
      const own = join(folder, format);
      writeLoraFile(own, layers, { format, dtype: 'bfloat16' });
      const read = readLoraFile(own);
      if (format === 'peft') {
        const settings = JSON.parse(readFileSync(join(own, 'adapter_config.json'), 'utf8'));
        assert.deepEqual(
          [settings.lora_alpha, settings.alpha_pattern, settings.r, settings.rank_pattern],
          [3, { '^to_q$': 5 }, 2, {}],
        );
        assert.deepEqual(settings.target_modules, ['to_q', 'x.to_q']);
      }
      // "to_q" ends "x.to_q", but each has its own alpha.
      assert.deepEqual([read.get('x.to_q')?.alpha, read.get('to_q')?.alpha], [3, 5]);
    }
  });

  it('byPattern() follows ends of paths and whole expressions, first key first', () => {
    assert.equal(byPattern({ to_q: 1, 'attn.to_q': 2 }, 'a.attn.to_q'), 1);
    assert.equal(byPattern({ '^to_q': 1 }, 'a.to_q'), undefined);
    assert.equal(byPattern({ 'q|k': 1 }, 'a.k'), 1);
    assert.equal(byPattern({ o_q: 1 }, 'a.to_q'), undefined);
    assert.equal(byPattern({ '(?P<layer>ab|cd)_(?P=layer)': 1 }, 'x.cd_cd'), 1);
    assert.equal(byPattern({ '(?P<layer>ab|cd)_(?P=layer)': 1 }, 'x.cd_ab'), undefined);
    assert.throws(() => byPattern({ '(': 1 }, 'a'), /must be a regular expression: .* is/);
  });

  it('selectLoraTargets() leaves out what is excluded, and refuses modules that are not linear', () => {
    const layers = ['a.to_q', 'a.to_k', 'b.proj'];
    const all = { excludeModules: ['to_k'] };
    assert.deepEqual(selectLoraTargets(layers, 'ALL-LINEAR', all), ['a.to_q', 'b.proj']);
    assert.deepEqual(selectLoraTargets(layers, ['to_q', 'to_k'], { excludeModules: 'a\\..*k' }), [
      'a.to_q',
    ]);
    assert.throws(() => selectLoraTargets(layers, ['proj'], { others: ['embed.proj'] }), {
      message:
        'Cannot add adapters as "proj" must match linear layers alone: current value also matches embed.proj',
    });
    assert.throws(() => selectLoraTargets(layers, ['proj'], { excludeModules: ['proj'] }), {
      message:
        'Cannot add adapters as excludeModules must leave a layer: current value is ["proj"]',
    });
  });
});
