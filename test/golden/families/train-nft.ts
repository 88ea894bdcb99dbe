import {
  DiffusionModelConfig,
  PolicyState,
  QwenImageTransformer2DModel,
  RandomKey,
  groupAdvantages,
  nftGradients,
  rewardProbability,
  tf,
  type NftBatch,
} from '@flowbook/sdk';
import { Comparison } from '../comparison';
import type { FamilyCheck, GoldenCase } from '../golden-case';
import { checkUpdates } from '../parts/updates-check';
import { tensorsUnder } from '../parts/training-check';

const LOSS = { atol: 1e-3, rtol: 1e-3 };
const NORM = { atol: 1e-7, rtol: 1e-2 };
const PROBABILITY = { atol: 1e-6, rtol: 1e-5 };
const OLD_POLICY = { atol: 2e-3, rtol: 0 };

/** Rewards to probabilities. */
function checkProbabilities(comparison: Comparison, { json, tensor }: GoldenCase): void {
  const advantages = tf.squeeze(groupAdvantages(tensor('rewards'), json.group_index), [1]);
  comparison.compare('advantages', advantages, tensor('advantages'), PROBABILITY);
  const { adv_clip_max: advClipMax, adv_mode: mode } = json;
  const probability = rewardProbability(advantages, { advClipMax, mode });
  comparison.compare('reward_prob', probability, tensor('reward_prob'), PROBABILITY);
}

/** Some rows of a batch at one of their times. */
function partOf(tensors: Map<string, tf.Tensor>, rows: number[], time: number): NftBatch {
  const index = tf.tensor1d(rows, 'int32');
  const rowsOf = (name: string) => tf.gather(tensors.get(name) as tf.Tensor, index);
  const words = [...tensors.keys()].filter((name) => /^(negative_)?prompt_/.test(name));
  const atTime = (name: string) => tf.slice(rowsOf(name), [0, time], [rows.length, 1]);
  return {
    ...Object.fromEntries(words.map((name) => [name, rowsOf(name)])),
    latents_clean: rowsOf('latents_clean'),
    reward_prob: rowsOf('reward_prob'),
    train_timesteps: atTime('train_timesteps'),
    forward_noise: atTime('forward_noise'),
  } as NftBatch;
}

/** DiffusionNFT of Qwen-Image: probabilities, three updates of adapters, and the old policy that follows them. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json, tensors } = goldenCase;
  const comparison = new Comparison();
  checkProbabilities(comparison, goldenCase);
  const { height, width, true_cfg_scale } = json;
  const path = goldenCase.path(json.model);
  const modelConfig = DiffusionModelConfig.from({
    path,
    algorithm: 'diffusion_nft',
    pipeline: { height, width, true_cfg_scale },
  });
  const transformer = QwenImageTransformer2DModel.fromPretrained(path);
  try {
    transformer.loadLora(goldenCase.path(json.lora));
    const old = PolicyState.copyOf(transformer, 'old');
    const reference = PolicyState.referenceOf(transformer);
    await checkUpdates(comparison, goldenCase, {
      variables: transformer.trainableVariables(),
      tolerance: { loss: LOSS, norm: NORM },
      gradientsOf: ({ rows, time }) =>
        nftGradients(
          { transformer, modelConfig, old, reference },
          partOf(tensors, rows as number[], time as number),
          {
            key: RandomKey.fromSeed(0),
            mixBeta: json.mix_beta,
            advClipMax: json.adv_clip_max,
            refKlCoef: json.ref_kl_coef,
          },
        ),
      afterUpdate: (update) => old.average(json.old_policy_decays[update - 1]),
    });
    const recorded = tensorsUnder('old_policy.', goldenCase);
    for (const [name, tensor] of old.values()) {
      const expected = recorded[name.replace('.old.weight', '.weight')];
      comparison.compare(`old policy ${name}`, tensor, expected, OLD_POLICY);
    }
  } finally {
    transformer.dispose();
  }
  return comparison.result();
};
