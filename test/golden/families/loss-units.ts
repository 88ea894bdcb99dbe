import {
  groupAdvantages,
  rewardProbability,
  type AdvantageMode,
} from '../../../sdk/src/advantages';
import { computeLoss, losses } from '../../../sdk/src/losses';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { FamilyCheck, GoldenCase } from '../golden-case';

export const check: FamilyCheck = async (goldenCase) => {
  const comparison = new Comparison();
  for (const sub of goldenCase.json.subcases) {
    const name = sub.loss_mode ?? goldenCase.json.loss_mode;
    if (losses.find(name) === null) {
      return { status: 'skipped', worst: 0, tolerance: 0, detail: `loss ${name}` };
    }
    compareLoss(name, sub, goldenCase, comparison);
  }
  if (goldenCase.json.uid !== undefined) compareRewards(goldenCase, comparison);
  return comparison.result();
};

/** The loss, its metrics, and its gradients by every input whose gradient is recorded. */
function compareLoss(
  name: string,
  sub: GoldenCase['json'],
  { json, tensor, tensors }: GoldenCase,
  comparison: Comparison,
): void {
  const isInput = (key: string) => !/^l\d+\./.test(key);
  const inputs: Record<string, tf.Tensor> = Object.fromEntries(
    [...tensors].filter(([key]) => isInput(key)),
  );
  if (sub.uses_rollout_is_weights === false) delete inputs.rollout_is_weights;
  const config = { ...sub.config, compat: 'verl-omni' as const };
  const { loss, metrics } = computeLoss(name, inputs, config);
  comparison.compare(`${sub.id}.loss`, loss, tensor(`${sub.id}.loss`), json.tolerance);
  comparison.equal(
    `${sub.id} metric names`,
    Object.keys(metrics).sort(),
    Object.keys(sub.metrics).sort(),
  );
  for (const [key, expected] of Object.entries<number>(sub.metrics)) {
    if (metrics[key])
      comparison.compare(`${sub.id} ${key}`, metrics[key], [expected], json.tolerance);
  }
  const prefix = `${sub.id}.grad.`;
  for (const key of [...tensors.keys()].filter((one) => one.startsWith(prefix))) {
    const input = key.slice(prefix.length);
    const gradient = tf.grad(
      (value) => computeLoss(name, { ...inputs, [input]: value }, config).loss,
    )(inputs[input]);
    comparison.compare(key, gradient, tensor(key), json.tolerance);
  }
}

function compareRewards({ json, tensor, tensors }: GoldenCase, comparison: Comparison): void {
  for (const key of tensors.keys()) {
    const [, mode] = /^reward_prob\.(.+)$/.exec(key) ?? [];
    if (mode !== undefined) {
      const p = rewardProbability(tensor('adv'), {
        advClipMax: json.defaults.adv_clip_max,
        mode: mode as AdvantageMode,
      });
      comparison.compare(key, p, tensor(key), json.tolerance);
    }
    const [, norm, global] = /^group_adv\.norm(\d)\.global(\d)$/.exec(key) ?? [];
    if (norm !== undefined) {
      const A = groupAdvantages(tensor('rewards'), json.uid, {
        normAdvByStdInGrpo: norm === '1',
        globalStd: global === '1',
      });
      comparison.compare(key, A.flatten(), tensor(key), json.tolerance);
    }
  }
}
