import assert from 'node:assert/strict';
import { correctRollout, rolloutAgreement, rolloutCorrectionConfig } from '@flowbook/sdk';

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

const closeRows = (actual: number[][] | null, expected: number[][]) =>
  expected.forEach((row, b) => row.forEach((value, w) => close(actual?.[b][w] as number, value)));

/** Log-ratios of two samples and two steps: sums 0.3 and -2. */
const ROLLOUT = [
  [0, 0],
  [0, 0],
];
const OLD = [
  [0.1, 0.2],
  [1, -3],
];

describe('correctRollout()', () => {
  it("weights each step by its own ratio at level 'token', cut to the threshold", () => {
    const { weights, metrics } = correctRollout(OLD, ROLLOUT, { rollout_is: 'token' });
    closeRows(weights, [
      [Math.exp(0.1), Math.exp(0.2)],
      [2, Math.exp(-3)],
    ]);
    close(metrics['rollout_corr/rollout_is_max'], 2);
    close(metrics['rollout_corr/rollout_is_ratio_fraction_high'], 0.25);
    close(metrics['rollout_corr/rollout_is_ratio_fraction_low'], 0.25);
  });

  it("weights all steps of a sample by their product at level 'sequence'", () => {
    const { weights, metrics } = correctRollout(OLD, ROLLOUT, { rollout_is: 'sequence' });
    const [first, second] = [Math.exp(0.3), Math.exp(-2)];
    closeRows(weights, [
      [first, first],
      [second, second],
    ]);
    const average = (first + second) / 2;
    close(metrics['rollout_corr/rollout_is_mean'], average);
    close(
      metrics['rollout_corr/rollout_is_eff_sample_size'],
      (2 * average ** 2) / (first ** 2 + second ** 2),
    );
  });

  it('sets weights outside of two bounds to 0', () => {
    const { weights, metrics } = correctRollout(OLD, ROLLOUT, {
      rollout_is: 'token',
      rollout_is_threshold: '0.5_2',
    });
    closeRows(weights, [
      [Math.exp(0.1), Math.exp(0.2)],
      [0, 0],
    ]);
    close(metrics['rollout_corr/rollout_is_oob_ratio'], 0.5);
  });

  it('averages 1 when it normalises over the batch', () => {
    const { weights, metrics } = correctRollout(OLD, ROLLOUT, {
      rollout_is: 'token',
      rollout_is_batch_normalize: true,
    });
    const all = (weights as number[][]).flat();
    close(all.reduce((sum, weight) => sum + weight, 0) / 4, 1);
    close(
      metrics['rollout_corr/rollout_is_batch_norm_factor'],
      (Math.exp(0.1) + Math.exp(0.2) + 2 + Math.exp(-3)) / 4,
    );
  });

  it('rejects steps or samples: each criterion by its own statistic', () => {
    const kept = (rollout_rs: string, rollout_rs_threshold: string | number) =>
      correctRollout(OLD, ROLLOUT, { rollout_rs, rollout_rs_threshold }).weights;
    const step = [
      [1, 1],
      [0, 0],
    ];
    assert.deepEqual(kept('token_k1', '0.5_2'), step);
    assert.deepEqual(kept('token_k1', 2), step);
    // k1 is -logRatio: 3 is above ln 8 alone.
    assert.deepEqual(kept('token_k1', 8), [
      [1, 1],
      [1, 0],
    ]);
    assert.deepEqual(kept('seq_mean_k1', '0.3_3'), [
      [1, 1],
      [1, 1],
    ]);
    assert.deepEqual(kept('seq_sum_k1', '0.3_3'), step);
    assert.deepEqual(kept('token_k2', 1), [
      [1, 1],
      [1, 0],
    ]);
    // Mean and greatest of 0.5 and 4.5; k3 of 1 and -3 are e - 2 and e^-3 + 2.
    assert.deepEqual(kept('seq_mean_k2', 2.6), [
      [1, 1],
      [1, 1],
    ]);
    assert.deepEqual(kept('seq_max_k2', 2.6), step);
    assert.deepEqual(kept('token_k3', 0.7), step);
    assert.deepEqual(kept('seq_sum_k3', 2.8), [
      [1, 1],
      [1, 1],
    ]);
    assert.deepEqual(kept('seq_sum_k3, seq_max_k3', '2.8, 2'), step);
  });

  it('multiplies weights and mask, and reports what was rejected', () => {
    const { weights, metrics } = correctRollout(OLD, ROLLOUT, {
      rollout_is: 'token',
      rollout_rs: 'token_k2',
      rollout_rs_threshold: 1,
    });
    closeRows(weights, [
      [Math.exp(0.1), Math.exp(0.2)],
      [2, 0],
    ]);
    close(metrics['rollout_corr/rollout_rs_masked_fraction'], 0.25);
    close(metrics['rollout_corr/rollout_rs_seq_masked_fraction'], 0.5);
    close(metrics['rollout_corr/rollout_rs_token_k2_max'], 4.5);
    close(metrics['rollout_corr/kl'], 1.7 / 4);
  });

  it('weights nothing by default', () => {
    assert.equal(correctRollout(OLD, ROLLOUT).weights, null);
  });

  it('gives no importance to the same policy: weights 1, no divergence', () => {
    const { weights, metrics } = correctRollout(OLD, OLD, { rollout_is: 'sequence' });
    assert.deepEqual(weights, [
      [1, 1],
      [1, 1],
    ]);
    for (const name of ['kl', 'k3_kl', 'chi2_token', 'chi2_seq', 'log_ppl_abs_diff']) {
      close(metrics[`rollout_corr/${name}`], 0);
    }
  });

  const REFUSED: [title: string, run: () => unknown, message: string][] = [
    [
      'an unknown criterion',
      () => correctRollout(OLD, ROLLOUT, { rollout_rs: 'binary_kl', rollout_rs_threshold: 1 }),
      'Cannot reject samples as rollout_rs must name criteria out of token_k1, token_k2, token_k3, seq_sum_k1, seq_sum_k2, seq_sum_k3, seq_mean_k1, seq_mean_k2, seq_mean_k3, seq_max_k2, seq_max_k3: current value is binary_kl',
    ],
    [
      'rejection without a threshold',
      () => correctRollout(OLD, ROLLOUT, { rollout_rs: 'token_k1' }),
      'Cannot reject samples as rollout_rs_threshold must hold one threshold, or one for each of the 1 criteria: current value is null',
    ],
    [
      'two bounds for k2',
      () => correctRollout(OLD, ROLLOUT, { rollout_rs: 'token_k2', rollout_rs_threshold: '1_2' }),
      'Cannot reject samples as rollout_rs_threshold of token_k2 must be one positive number: current value is 1_2',
    ],
    [
      'an unknown level',
      () => correctRollout(OLD, ROLLOUT, { rollout_is: 'batch' as 'token' }),
      'Cannot weight samples as rollout_is must be token, sequence or null: current value is batch',
    ],
    [
      'bounds in the wrong order',
      () => correctRollout(OLD, ROLLOUT, { rollout_is: 'token', rollout_is_threshold: '2_1' }),
      'Cannot weight samples as rollout_is_threshold must be a positive number, or two as "0.5_2": current value is 2_1',
    ],
    [
      'another loss',
      () => rolloutCorrectionConfig({ loss_type: 'reinforce' as 'ppo_clip' }),
      'Cannot correct rollouts as loss_type must be ppo_clip: current value is reinforce',
    ],
    [
      'a key that it does not know',
      () => rolloutCorrectionConfig({ rollout_iss: 'token' } as object),
      'Cannot correct rollouts as rollout_correction takes bypass_mode, rollout_is, rollout_is_threshold, rollout_is_batch_normalize, rollout_rs, rollout_rs_threshold, loss_type: current value has rollout_iss',
    ],
    [
      'bypass mode with a loss that compares means',
      () => rolloutCorrectionConfig({ bypass_mode: true }, 'grpo_guard'),
      'Cannot use rollout_correction.bypass_mode with loss "grpo_guard" as that loss compares the step\'s mean with the old policy\'s, which bypass mode does not compute: set bypass_mode to false, or use flow_grpo',
    ],
    [
      'other shapes',
      () => correctRollout(OLD, [[0], [0]]),
      'Cannot correct rollouts as the two log-probabilities must have one shape (B, W): current values have rows of 2,2 and 1,1',
    ],
  ];
  for (const [title, run, message] of REFUSED) {
    it(`refuses ${title}`, () => assert.throws(run, { message }));
  }
});

describe('rolloutAgreement()', () => {
  it('gives |logProb - rolloutLogProb| in all and for each timestep', () => {
    const metrics = rolloutAgreement(
      [
        [1, 2],
        [3, 5],
      ],
      [
        [1.5, 2],
        [2, 5.5],
      ],
      [
        [800, 700],
        [800, 700],
      ],
    );
    close(metrics['rollout_corr/logprob_abs_diff_mean'], 0.5);
    close(metrics['rollout_corr/logprob_abs_diff_max'], 1);
    close(metrics['rollout_corr/logprob_abs_diff/ts_800'], 0.75);
    close(metrics['rollout_corr/logprob_abs_diff/ts_700'], 0.25);
  });
});
