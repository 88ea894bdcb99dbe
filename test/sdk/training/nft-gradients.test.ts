import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  PolicyState,
  QwenImageTransformer2DModel,
  RandomKey,
  computeLoss,
  keyGenerator,
  nftGradients,
  oldPolicyDecay,
  selectTimesteps,
  tf,
  type NftBatch,
  type NftModel,
  type OldPolicySchedule,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const modelConfig = { path: MODEL, algorithm: 'diffusion_nft', height: 32, width: 32 };
const key = RandomKey.fromSeed(5);

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

function assertClose(actual: readonly number[], expected: readonly number[], share = 1e-4): void {
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((value, at) => assert.ok(Math.abs(value - actual[at]) <= share * largest));
}

describe('oldPolicyDecay()', () => {
  const table: [OldPolicySchedule, [step: number, decay: number][]][] = [
    ['copy', [[1, 0], [1000, 0]]],
    ['linear_to_0_5', [[1, 0.001], [100, 0.1], [500, 0.5], [9999, 0.5]]],
    ['delayed_linear_to_0_999', [[1, 0], [74, 0], [75, 0], [76, 0.0075], [100, 0.1875], [300, 0.999]]],
  ]; // prettier-ignore
  for (const [schedule, expected] of table) {
    it(`follows ${schedule}`, () => {
      for (const [step, decay] of expected) {
        assert.ok(Math.abs(oldPolicyDecay(step, schedule) - decay) < 1e-12, `step ${step}`);
      }
    });
  }

  it('refuses another schedule', () => {
    assert.throws(() => oldPolicyDecay(1, 'cosine' as OldPolicySchedule), {
      message:
        'Cannot update the old policy as its schedule must be copy, linear_to_0_5, delayed_linear_to_0_999: current value is cosine',
    });
  });
});

describe('selectTimesteps()', () => {
  const times = tf.tensor2d(Array(5).fill([1000, 600.5, 300.25, 19.75]) as number[][]);

  it("permutes each row's times in its own way", () => {
    const rows = selectTimesteps(times, key).arraySync();
    for (const row of rows) {
      assert.deepEqual(
        [...row].sort((a, b) => b - a),
        [1000, 600.5, 300.25, 19.75],
      );
    }
    assert.ok(new Set(rows.map(String)).size > 1);
    const [again] = selectTimesteps(times.slice(0, 1) as tf.Tensor2D, key).arraySync();
    assert.deepEqual(rows[0], again);
  });

  it('takes the first max(1, floor(T fraction)) of them', () => {
    const all = selectTimesteps(times, key).arraySync();
    const half = selectTimesteps(times, key, { fraction: 0.74 }).arraySync();
    assert.deepEqual(half, all.map((row) => row.slice(0, 2))); // prettier-ignore
    assert.deepEqual(selectTimesteps(times, key, { fraction: 0.01 }).shape, [5, 1]);
    assert.throws(() => selectTimesteps(times, key, { fraction: 0 }), {
      message: 'Cannot select times as fraction must be a number above 0 to 1: current value is 0',
    });
  });

  it("follows PyTorch's randperm for a seed, row after row", () => {
    // torch.manual_seed(42); [torch.randperm(4) for _ in range(2)]
    const rows = selectTimesteps(times.slice(0, 2) as tf.Tensor2D, 42).arraySync();
    const row = [1000, 600.5, 300.25, 19.75];
    assert.deepEqual(rows, [[2, 3, 0, 1], [2, 1, 3, 0]].map((order) => order.map((at) => row[at]))); // prettier-ignore
  });

  it("keeps a rollout's times exactly, and cuts them to whole numbers for verl-omni", () => {
    const exact = values(selectTimesteps(times, key));
    assert.deepEqual(
      values(selectTimesteps(times, key, { compat: 'verl-omni' })),
      exact.map(Math.trunc),
    );
    assert.ok(exact.includes(600.5));
  });
});

describe("computeLoss('diffusion_nft') where the policy is the old one", () => {
  const draw = keyGenerator(1);
  const [x0, xt, v] = [1, 2, 3].map(() => draw.randn([1, 6, 4]));
  const t_expanded = tf.fill([1, 1, 1], 0.7);

  /** The gradient with respect to the policy's velocity. */
  function gradientAt(p: number, beta: number): number[] {
    const loss = (forward_prediction: tf.Tensor) =>
      computeLoss(
        'diffusion_nft',
        { x0, xt, t_expanded, forward_prediction, old_prediction: v, reward_prob: tf.tensor1d([p]) },
        { mix_beta: beta },
      ).loss; // prettier-ignore
    return values(tf.grad(loss)(v));
  }

  it('has M (2 p - 1) times the gradient of the weighted flow-matching loss, for every beta', () => {
    // x0(v) = xt - tau v; l = mean((x0(v) - x0)^2) / mean|x0(v) - x0|, the divisor a constant.
    const error = tf.sub(tf.sub(xt, tf.mul(0.7, v)), x0);
    const flow = values(tf.mul(tf.div(error, tf.mean(tf.abs(error))), (2 * -0.7) / 24));
    for (const beta of [0.1, 0.5, 1]) {
      for (const p of [0, 0.3, 0.9, 1]) {
        assertClose(gradientAt(p, beta), flow.map((value) => 5 * (2 * p - 1) * value)); // prettier-ignore
      }
    }
  });

  it('has no gradient for a picture that is neither good nor bad', () => {
    assert.ok(gradientAt(0.5, 0.3).every((value) => Math.abs(value) < 1e-6));
  });
});

for (const kind of ['adapters', 'all weights']) {
  describe(`nftGradients() of ${kind}`, () => {
    let transformer: QwenImageTransformer2DModel;
    let model: NftModel;
    let batch: NftBatch;

    before(() => {
      transformer = QwenImageTransformer2DModel.fromPretrained(MODEL);
      if (kind === 'adapters') {
        transformer.addLora({ rank: 2, targetModules: ['to_q', 'to_v'], key });
        for (const [name, variable] of transformer.trainableVariables()) {
          if (name.includes('lora_B')) variable.assign(tf.fill(variable.shape, 0.1));
        }
      }
      const draw = keyGenerator(3);
      batch = {
        latents_clean: draw.randn([3, 4, 16]),
        train_timesteps: tf.tensor2d([[900, 300], [600, 100.5], [300, 900]]), // prettier-ignore
        reward_prob: tf.tensor1d([1, 0.2, 0.6]),
        prompt_embeds: draw.randn([3, 5, 32]),
        prompt_embeds_mask: tf.ones([3, 5], 'int32'),
      };
      model = {
        transformer,
        modelConfig,
        old: PolicyState.copyOf(transformer, 'old'),
        reference: PolicyState.referenceOf(transformer),
      };
      // The policy has moved away from the old one.
      for (const variable of transformer.trainableVariables().values()) {
        tf.tidy(() => variable.assign(tf.mul(variable, 1.02)));
      }
    });

    after(() => {
      model.old.dispose();
      model.reference?.dispose();
      transformer.dispose();
    });

    it('gives the same in micro-batches, of the trained weights alone', async () => {
      const whole = await nftGradients(model, batch, { key });
      const parts = await nftGradients(model, batch, { key, microBatchSize: 2 });
      assert.ok(Math.abs(whole.loss - parts.loss) < 1e-4 * Math.abs(whole.loss));
      const trained = transformer.trainableVariables();
      for (const [name, gradient] of whole.gradients) {
        assert.ok(trained.has(name), name);
        assertClose(values(parts.gradients.get(name) as tf.Tensor), values(gradient), 2e-3);
      }
      assert.ok((whole.metrics['actor/old_deviate'] as number) > 0);
      whole.dispose();
      parts.dispose();
    });

    it('repeats itself for a key, and leaves as many tensors as it found', async () => {
      const count = tf.memory().numTensors;
      const first = await nftGradients(model, batch, { key, refKlCoef: 1 });
      const again = await nftGradients(model, batch, { key, refKlCoef: 1 });
      const other = await nftGradients(model, batch, { key: key.fold(1), refKlCoef: 1 });
      assert.deepEqual(first.metrics, again.metrics);
      assert.notEqual(first.loss, other.loss);
      for (const part of [first, again, other]) part.dispose();
      assert.equal(tf.memory().numTensors, count);
    });

    it('leaves a tensor of the batch that has no rows to the caller', async () => {
      const given = { ...batch, of_all: tf.scalar(2) };
      (await nftGradients(model, given, { key })).dispose();
      assert.equal(given.of_all.isDisposed, false);
      given.of_all.dispose();
    });

    it('stops at the signal and leaks nothing', async () => {
      const count = tf.memory().numTensors;
      const controller = new AbortController();
      const work = nftGradients(model, batch, {
        key,
        microBatchSize: 1,
        signal: controller.signal,
      });
      setImmediate(() => controller.abort());
      await assert.rejects(work, { name: 'AbortError' });
      assert.equal(tf.memory().numTensors, count);
    });

    it('refuses a distance to a reference that is not there', async () => {
      await assert.rejects(
        nftGradients({ ...model, reference: null }, batch, { key, refKlCoef: 0.5 }),
        {
          message:
            'Cannot hold the policy to a reference as there must be one: current refKlCoef is 0.5',
        },
      );
    });
  });
}
