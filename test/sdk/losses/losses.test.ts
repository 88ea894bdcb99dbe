import assert from 'node:assert/strict';
import { groupAdvantages } from '../../../sdk/src/advantages';
import { computeLoss, losses, type LossConfig, type LossInputs } from '../../../sdk/src/losses';
import { keeps } from '../../../sdk/src/core/option-rules';
import { lossConfigRule } from '../../../sdk/src/losses/loss-config';
import { tf } from '../../../sdk/src/tensorflow';
import { near, read, someInputs, test } from './some-inputs';

for (const name of losses.names()) {
  describe(`computeLoss('${name}')`, () => {
    it('returns scalars and leaves nothing else', () => {
      const inputs = someInputs();
      const before = tf.memory().numTensors;
      const { loss, metrics } = computeLoss(name, inputs);
      const scalars = [loss, ...Object.values(metrics)];
      assert.ok(scalars.every(({ shape }) => shape.length === 0));
      assert.ok(scalars.every((scalar) => Number.isFinite(read(scalar))));
      tf.dispose([...scalars]);
      assert.equal(tf.memory().numTensors, before);
      tf.dispose(inputs);
    });

    test('names the inputs that are missing and those that are there', () => {
      const [first, ...rest] = losses.get(name).requiredInputs;
      const inputs = Object.fromEntries(rest.map((key) => [key, tf.scalar(0)]));
      assert.throws(() => computeLoss(name, { ...inputs, [first]: null }), {
        message: `Cannot compute loss "${name}" as inputs are missing: ${first}; available are ${rest.join(', ') || 'none'}`,
      });
    });
  });
}

for (const name of ['flow_grpo', 'grpo_guard', 'flow_dppo']) {
  describe(`computeLoss('${name}') before the first update`, () => {
    const onPolicy = (): LossInputs => {
      const inputs = someInputs();
      return {
        ...inputs,
        old_log_probs: inputs.log_probs,
        old_prev_sample_mean: inputs.prev_sample_mean,
      };
    };

    test('has ratio 1 and clips nothing', () => {
      const { metrics } = computeLoss(name, onPolicy());
      assert.equal(read(metrics['actor/ratio_mean']), 1);
      assert.equal(Math.abs(read(metrics['actor/ppo_kl'])), 0);
      const cut = metrics['actor/pg_clipfrac'] ?? metrics['actor/masked_fraction'];
      assert.equal(read(cut), 0);
    });

    test('has the policy gradient: proportional to -A', () => {
      const inputs = onPolicy();
      const gradient = tf.grad((log_probs) => computeLoss(name, { ...inputs, log_probs }).loss)(
        inputs.log_probs as tf.Tensor,
      );
      const A = (inputs.advantages as tf.Tensor).dataSync();
      const scale = name === 'grpo_guard' ? (0.3 * 0.5) / 0.3 ** 2 : 1;
      gradient.dataSync().forEach((value, at) => near(value, (-A[at] * scale) / A.length));
    });
  });
}

describe("computeLoss('grpo_guard')", () => {
  test("takes each row's own step, and batch means in compat 'verl-omni'", () => {
    const guard = (inputs: LossInputs, compat: 'verl-omni' | null) =>
      read(computeLoss('grpo_guard', inputs, { compat, clip_ratio: 0.2 }).loss);
    const same = someInputs(2);
    near(guard(same, null), guard(same, 'verl-omni'));
    const mixed = {
      ...same,
      std_dev_t: tf.tensor3d([[[0.2]], [[2]]]),
      sqrt_dt: tf.tensor1d([0.1, 0.6]),
    };
    const rowOf = (at: number) =>
      Object.fromEntries(Object.entries(mixed).map(([key, value]) => [key, value.slice(at, 1)]));
    near(guard(mixed, null), (guard(rowOf(0), null) + guard(rowOf(1), null)) / 2);
    assert.ok(Math.abs(guard(mixed, null) - guard(mixed, 'verl-omni')) > 1e-2);
  });
});

describe("computeLoss('flow_dppo')", () => {
  test('says the least, the mean and the largest ratio', () => {
    const log_probs = tf.tensor1d([Math.log(0.5), 0, Math.log(2)]);
    const inputs = { ...someInputs(3), log_probs, old_log_probs: tf.zeros([3]) };
    const { metrics } = computeLoss('flow_dppo', inputs);
    near(read(metrics['actor/ratio_min']), 0.5);
    near(read(metrics['actor/ratio_mean']), 3.5 / 3);
    near(read(metrics['actor/ratio_max']), 2);
  });
});

describe('lossConfigRule()', () => {
  const own = { ownSettings: ['margin'] };

  test('lets a loss take any setting where a part of it does not name its own', () => {
    const settings = { loss_mode: 'mine', margin: 2, anything: 1 };
    assert.equal(keeps(settings, lossConfigRule('mine', [own])), false);
    assert.equal(keeps({ margin: 2 }, lossConfigRule('mine', [own])), true);
    assert.equal(keeps(settings, lossConfigRule('mine', [own, {}])), true);
    assert.equal(keeps({ clip_ratio: -1 }, lossConfigRule('mine', [{}])), false);
    assert.equal(keeps({ loss_mode: 'other' }, lossConfigRule('mine', [{}])), false);
  });
});

describe('computeLoss() of inputs that do not fit', () => {
  test('names each with its shape', () => {
    const inputs = {
      log_probs: tf.zeros([2]),
      old_log_probs: tf.zeros([3]),
      advantages: tf.zeros([2, 1]),
    };
    assert.throws(() => computeLoss('flow_grpo', inputs), {
      message:
        'Cannot compute loss "flow_grpo" as the shapes of its inputs must fit each other: current values are log_probs [2], old_log_probs [3], advantages [2, 1]',
    });
  });

  test('refuses widths of several rows for one row, which would be spread over them', () => {
    const inputs = { ...someInputs(1), std_dev_t: tf.fill([3, 1, 1], 0.5) };
    for (const name of ['kl', 'grpo_guard']) {
      assert.throws(
        () => computeLoss(name, inputs),
        /must fit each other: .*std_dev_t \[3, 1, 1\]/,
      );
    }
  });

  test('takes one width for all rows', () => {
    const loss = (std_dev_t: tf.Tensor) =>
      read(computeLoss('grpo_guard', { ...someInputs(2), std_dev_t }).loss);
    near(loss(tf.tensor3d([[[0.5]]])), loss(tf.fill([2, 1, 1], 0.5)));
    near(loss(tf.scalar(0.5)), loss(tf.fill([2, 1, 1], 0.5)));
  });
});

describe('computeLoss() of one row', () => {
  test("reports no spread of its ratio, and NaN in compat 'verl-omni'", () => {
    const spread = (name: string, compat: 'verl-omni' | null) =>
      read(computeLoss(name, someInputs(1), { compat }).metrics['actor/ratio_std']);
    for (const name of ['flow_grpo', 'grpo_guard']) {
      assert.deepEqual([spread(name, null), spread(name, 'verl-omni')], [0, NaN]);
    }
    assert.equal(spread('flow_dppo', 'verl-omni'), 0);
  });
});

describe('computeLoss() by settings', () => {
  test('takes the default of a setting that is undefined', () => {
    const loss = (config: Partial<LossConfig>) =>
      read(computeLoss('flow_grpo', someInputs(), config).loss);
    assert.equal(loss({ clip_ratio: undefined, adv_clip_max: undefined }), loss({}));
    assert.ok(Number.isFinite(loss({ clip_ratio: Infinity, adv_clip_max: Infinity })));
  });

  test('refuses what no loss can be computed with', () => {
    for (const [name, least] of [
      ['clip_ratio', 'from 0'],
      ['adv_clip_max', 'above 0'],
      ['kl_mask_threshold', 'from 0'],
      ['mix_beta', 'above 0'],
      ['ref_kl_coef', 'from 0'],
      ['adaptive_weight_min', 'from 0'],
      ['dpo_beta', 'above 0'],
    ]) {
      for (const value of [-1, NaN]) {
        assert.throws(() => computeLoss('flow_grpo', someInputs(), { [name]: value }), {
          message: `Cannot compute loss "flow_grpo" as config.${name} must be a number ${least}, or Infinity: current value is ${value}`,
        });
      }
    }
  });

  test('takes any setting of a loss that does not name its own, and only those of one that does', () => {
    const loss = {
      requiredInputs: [],
      optionalInputs: [],
      compute: (_: object, config: LossConfig) => ({
        loss: tf.scalar((config as LossConfig & { margin: number }).margin),
        metrics: {},
      }),
    };
    losses.register('free', loss);
    losses.register('strict', { ...loss, ownSettings: ['margin'] });
    try {
      for (const name of ['free', 'strict']) {
        assert.equal(read(computeLoss(name, {}, { margin: 2 } as object).loss), 2);
      }
      computeLoss('free', {}, { margin: 2, other: 1 } as object);
      assert.throws(
        () => computeLoss('strict', {}, { margin: 2, other: 1 } as object),
        /there is no option "config.other"/,
      );
    } finally {
      losses.unregister('free');
      losses.unregister('strict');
    }
  });

  test('refuses a setting that the loss does not know, with the nearest that it does', () => {
    assert.throws(() => computeLoss('flow_grpo', someInputs(), { clip_ration: 1 } as object), {
      message:
        'Cannot compute loss "flow_grpo" as there is no option "config.clip_ration": the nearest is "config.clip_ratio"',
    });
  });

  test("asks the KL to a reference for sqrt_dt where the deviation holds it, not in compat 'verl-omni'", () => {
    const { sqrt_dt, ...without } = someInputs();
    tf.dispose(sqrt_dt as tf.Tensor);
    assert.throws(() => computeLoss('kl', without, { std_holds_dt: true }), /missing: sqrt_dt/);
    const settings = { std_holds_dt: true, compat: 'verl-omni' } as const;
    assert.ok(Number.isFinite(read(computeLoss('kl', without, settings).loss)));
  });

  test("takes verl-omni's whole section, which names this loss, and refuses one that names another", () => {
    const section = { loss_mode: 'flow_grpo', clip_ratio: 1e-4 };
    const [whole, own] = [section, {}].map((config) =>
      read(computeLoss('flow_grpo', someInputs(), config).loss),
    );
    assert.equal(whole, own);
    assert.throws(() => computeLoss('grpo_guard', someInputs(), section), {
      message:
        'Cannot compute loss "grpo_guard" as config.loss_mode must be grpo_guard: current value is "flow_grpo"',
    });
  });
});

describe("computeLoss('diffusion_nft')", () => {
  test('grows with adv_clip_max / mix_beta where the policy is the old one', () => {
    const inputs = someInputs();
    const same = { ...inputs, forward_prediction: inputs.old_prediction };
    const policyLoss = (config: Partial<LossConfig>) =>
      read(computeLoss('diffusion_nft', same, config).metrics['actor/policy_loss']);
    const unit = policyLoss({ mix_beta: 1, adv_clip_max: 1 });
    assert.ok(unit > 0);
    near(policyLoss({ mix_beta: 0.25, adv_clip_max: 3 }), 12 * unit);
  });
});

describe("computeLoss('dpo')", () => {
  test('is ln 2 when the model is the reference', () => {
    const inputs = someInputs();
    near(read(computeLoss('dpo', { ...inputs, ref_noise_pred: inputs.noise_pred }).loss), Math.LN2);
  });

  test('refuses scores that are not one a row', () => {
    const rewards = tf.ones([4, 2]);
    assert.throws(() => computeLoss('dpo', { ...someInputs(), sample_level_rewards: rewards }), {
      message:
        'Cannot compute loss "dpo" as sample_level_rewards must hold one score a row (4): its shape is [4,2]',
    });
  });

  test('refuses half a pair, no pair, and a pair in the wrong order or without a score', () => {
    for (const B of [3, 0]) {
      assert.throws(() => computeLoss('dpo', someInputs(B)), {
        message: `Cannot compute loss "dpo" as rows must be (chosen, rejected) pairs: there are ${B} rows`,
      });
    }
    for (const [chosen, rejected] of [
      [0.25, 0.5],
      [NaN, 0.5],
      [0.5, NaN],
    ]) {
      const rewards = tf.tensor1d([1, 0, chosen, rejected]);
      assert.throws(() => computeLoss('dpo', { ...someInputs(), sample_level_rewards: rewards }), {
        message: `Cannot compute loss "dpo" as a chosen row must score at least its rejected one: rows 2 and 3 score ${chosen} and ${rejected}`,
      });
    }
  });
});

describe('computeLoss() of inputs', () => {
  const PER_ROW = [
    'log_probs',
    'old_log_probs',
    'advantages',
    'rollout_is_weights',
    'sqrt_dt',
    'reward_prob',
    'sample_level_rewards',
  ];
  const inputsOf = (name: string): [string, tf.Tensor][] => {
    const { requiredInputs, optionalInputs } = losses.get(name);
    const all: Record<string, tf.Tensor> = {
      ...someInputs(),
      rollout_is_weights: tf.tensor1d([1, 0.5, 2, 1]),
      sample_level_rewards: tf.tensor1d([1, 0, 3, 2]),
    };
    return [...requiredInputs, ...optionalInputs].map((key) => [key, all[key]]);
  };
  const loss = (name: string, inputs: [string, tf.Tensor][]) =>
    read(computeLoss(name, Object.fromEntries(inputs), { clip_ratio: 0.2, dpo_beta: 1 }).loss);

  for (const name of losses.names()) {
    test(`of "${name}" takes (B, 1) for (B), each by itself`, () => {
      const inputs = inputsOf(name);
      for (const [wide] of inputs.filter(([key]) => PER_ROW.includes(key))) {
        const given = inputs.map(([key, x]): [string, tf.Tensor] => [
          key,
          key === wide ? tf.reshape(x, [-1, 1]) : x,
        ]);
        assert.equal(loss(name, given), loss(name, inputs), wide);
      }
    });

    test(`of "${name}" refuses one row for four, which would be spread over them`, () => {
      const inputs = inputsOf(name);
      for (const [short] of inputs.filter(([key]) => !/^(std_dev_t|t_expanded)$/.test(key))) {
        const given = inputs.map(([key, x]): [string, tf.Tensor] => [
          key,
          key === short ? tf.slice(x, 0, 1) : x,
        ]);
        assert.throws(
          () => loss(name, given),
          /Cannot compute loss ".*" as (the shapes of its inputs must fit each other: current values are|rows must be \(chosen, rejected\) pairs: there are 1)/,
          short,
        );
      }
    });
  }

  test('takes (B) and (B, 1) for (B, 1, ...), where channels are as many as rows, too', () => {
    // Two rows of two channels: (B) would be spread along the channels.
    const inputs = someInputs(2);
    for (const [name, column, of] of [
      ['diffusion_nft', 't_expanded', [0.1, 0.9]],
      ['grpo_guard', 'std_dev_t', [0.2, 0.7]],
      ['kl', 'std_dev_t', [0.2, 0.7]],
    ] as const) {
      const given = (shape: number[]) =>
        loss(name, Object.entries({ ...inputs, [column]: tf.tensor([...of], shape) }));
      const expected = given([2, 1, 1]);
      for (const shape of [[2], [2, 1]])
        assert.equal(given(shape), expected, `${column} [${shape}]`);
    }
  });

  test('of groupAdvantages() as it gives them trains, row by row', () => {
    const advantages = groupAdvantages([0, 1, 2, 5], ['a', 'a', 'b', 'b']);
    const zeros = tf.zeros([4]);
    const gradient = tf.grad(
      (log_probs) => computeLoss('flow_grpo', { log_probs, old_log_probs: zeros, advantages }).loss,
    )(zeros);
    gradient.dataSync().forEach((value, row) => near(value, -advantages.dataSync()[row] / 4));
  });
});
