import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CompiledModel, loadPipeline, tf, type QwenImageTransformer2DModel } from '@flowbook/sdk';
import { compileDifferentiable } from '../../../sdk/src/tensorflow';
import { announceFirstCalls } from '../../../sdk/src/tensorflow/compile/announce-first-calls';
import { FirstCall } from '../../../sdk/src/tensorflow/compile/first-call';
import { textOnStderr } from '../io/hub/text-on-stderr';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('the first call of a compiled function', function () {
  this.timeout(60_000);

  it('is told of once: as it begins, and when its result is there', async () => {
    const stages: string[] = [];
    const first = new FirstCall('model', ({ stage }) => stages.push(stage));
    first.tell('recording');
    assert.equal(
      first.run(() => 1),
      1,
    );
    assert.equal(await first.runAsync(async () => 2), 2);
    assert.deepEqual(stages, ['recording', 'compiling', 'ready']);
  });

  it('is the next one where it failed', async () => {
    const stages: string[] = [];
    const first = new FirstCall('model', ({ stage }) => stages.push(stage));
    const fail = () => {
      throw new Error('no memory');
    };
    assert.throws(() => first.run(fail), /no memory/);
    await assert.rejects(
      first.runAsync(async () => fail()),
      /no memory/,
    );
    first.run(() => 1);
    const failed = ['compiling', 'failed'];
    assert.deepEqual(stages, [...failed, ...failed, 'compiling', 'ready']);
  });

  it('is said of on stderr when it lasts over two seconds, and not twice', async () => {
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    let pending: { say: () => void; afterMs: number } | null = null;
    const waiting = () => pending as { say: () => void; afterMs: number } | null;
    const handle = { unref: () => handle };
    globalThis.setTimeout = ((say: () => void, afterMs: number) => {
      pending = { say, afterMs };
      return handle;
    }) as unknown as typeof set;
    globalThis.clearTimeout = () => (pending = null);
    const said = await textOnStderr(async () => {
      const watch = announceFirstCalls();
      const tell = (stage: 'compiling' | 'ready' | 'failed', elapsedMs: number) =>
        watch({ name: 'QwenImageTransformer2DModel', stage, elapsedMs });
      for (const end of ['ready', 'failed'] as const) {
        tell('compiling', 500);
        assert.equal(waiting()?.afterMs, 1500);
        tell(end, 1900);
        assert.equal(waiting(), null, 'a quick one goes by without a word');
      }
      tell('compiling', 500);
      waiting()?.say();
      tell('ready', 2100);
      tell('compiling', 3000);
      assert.equal(waiting(), null);
    }).finally(() => {
      globalThis.setTimeout = set;
      globalThis.clearTimeout = clear;
    });
    assert.equal(said, 'compiling QwenImageTransformer2DModel ...\n');
  });

  it('is said of before it begins where recording took as long', async () => {
    const said = await textOnStderr(async () =>
      announceFirstCalls()({ name: 'T5EncoderModel', stage: 'compiling', elapsedMs: 2500 }),
    );
    assert.equal(said, 'compiling T5EncoderModel ...\n');
  });

  it('tells of a prediction and of its gradient, which is recorded with it', () => {
    const stages: string[] = [];
    const w = tf.variable(tf.scalar(3));
    const x = tf.tensor1d([1, 2]);
    const scale = compileDifferentiable((given: tf.Tensor) => tf.mul(given, w), {
      variables: () => [w],
      onFirstCall: ({ stage }) => stages.push(stage),
    });
    for (let call = 0; call < 2; call++) {
      tf.dispose(tf.variableGrads(() => tf.sum(scale(x)) as tf.Scalar, [w]));
    }
    const twice = ['compiling', 'ready', 'compiling', 'ready'];
    assert.deepEqual(stages, ['recording', ...twice]);
    scale.dispose();
    tf.dispose([w, x]);
  });

  it('reaches whoever watches a compiled model, by the name of its class', async () => {
    const told: string[] = [];
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32 });
    const { transformer } = pipeline;
    const model = new CompiledModel(transformer, {
      onFirstCall: ({ name, stage }) => told.push(`${name} ${stage}`),
    });
    tf.tidy(() => {
      const { embeds, mask } = pipeline.encodePrompt(['a red circle']);
      model.forward({
        hidden_states: tf.zeros([
          1,
          4,
          (transformer as QwenImageTransformer2DModel).config.in_channels,
        ]),
        timestep: tf.tensor1d([0.5]),
        encoder_hidden_states: embeds,
        encoder_hidden_states_mask: mask,
        img_shapes: [[[1, 2, 2]]],
      });
    });
    const name = 'QwenImageTransformer2DModel';
    assert.deepEqual(told, [`${name} recording`, `${name} compiling`, `${name} ready`]);
    model.dispose();
    pipeline.dispose();
  });
});
