import { checkOptions } from '../core/option-rules';
import { Registry } from '../core/registry';
import { withoutUndefined } from '../core/without-undefined';
import { stopGradient, tidyResult, type tf } from '../tensorflow';
import { fitInputs } from './fit-inputs';
import { LOSS_DEFAULTS, lossConfigRule, type LossConfig } from './loss-config';

/** What a loss is computed from: tensors by name. Each loss says which it needs. */
export type LossInputs = Record<string, tf.Tensor | null | undefined>;

/** A loss and what a run log shows beside it. All are scalars that the caller owns; nothing has been read yet. */
export interface LossOutput {
  loss: tf.Scalar;
  /** By verl-omni's names, as `actor/ppo_kl`. */
  metrics: Record<string, tf.Scalar>;
}

/** One training objective: a pure function of its inputs. */
export interface Loss {
  /** Names of the inputs that must be there. */
  requiredInputs: readonly string[];
  /** Names of the inputs that are used when they are there. */
  optionalInputs: readonly string[];
  /** Optional inputs that these settings make necessary. */
  furtherInputs?(config: LossConfig): readonly string[];
  /** Names of its own settings beside those of `LossConfig`; any other is refused then. Default: it may take any. */
  ownSettings?: readonly string[];
  /** Differentiable in the inputs that depend on the model. Runs inside `tf.tidy`. */
  compute(inputs: Record<string, tf.Tensor>, config: LossConfig): LossOutput;
}

/** All losses by the name that `loss_mode` takes. */
export const losses = new Registry<Loss>('loss');

/** Inputs that are data: no gradient goes through them, even where they were computed from the model. */
const CONSTANT = /^(old_|ref_|teacher_|advantages$|rollout_is_weights$)/;

/** What TensorFlow and tfjs say of operands whose shapes do not fit. */
const MISFIT = /Incompatible shapes|could not be broadcast/;

/**
 * Computes a registered loss. What comes from the old policy, a reference or a teacher is a constant to gradients, and so
 * are advantages and weights.
 *
 * @param name 'flow_grpo', 'dance_grpo', 'grpo_guard', 'flow_dppo', 'kl', 'distill_kl', 'distill_fm_mse', 'dpo',
 *   'diffusion_nft', or one that was registered.
 * @param inputs Tensors by name; more than the loss needs may be there. What is one number a row (log-probabilities,
 *   advantages, weights, probabilities, sqrt(dt), scores) is (B), or (B, 1) as `groupAdvantages` gives it.
 * @param config Settings that differ from the defaults.
 * @throws On an unknown loss, on a setting that there is none of or that breaks its rule, and when inputs are missing (names
 *   them, and what is there) or do not fit each other in shape.
 *
 * @example
 * const { loss, metrics } = computeLoss(
 *   'flow_grpo',
 *   { log_probs: tf.zeros([2]), old_log_probs: tf.zeros([2]), advantages: tf.tensor1d([1, -1]) },
 *   { clip_ratio: 0.2 },
 * );
 */
export function computeLoss(
  name: string,
  inputs: LossInputs,
  config: Partial<LossConfig> = {},
): LossOutput {
  checkOptions(
    `compute loss "${name}"`,
    { config },
    { config: lossConfigRule(name, [losses.get(name)]) },
  );
  return computePart(name, inputs, config);
}

/** `computeLoss` of one of several losses that share a configuration, which was checked. */
export function computePart(
  name: string,
  inputs: LossInputs,
  config: Partial<LossConfig>,
): LossOutput {
  const loss = losses.get(name);
  const present = Object.entries(inputs).filter(
    (entry): entry is [string, tf.Tensor] => entry[1] !== null && entry[1] !== undefined,
  );
  const available = present.map(([key]) => key);
  const missing = loss.requiredInputs.filter((key) => !available.includes(key));
  const settings: LossConfig = { ...LOSS_DEFAULTS, ...withoutUndefined(config) };
  missing.push(...(loss.furtherInputs?.(settings) ?? []).filter((key) => !available.includes(key)));
  if (missing.length > 0) {
    throw new Error(
      `Cannot compute loss "${name}" as inputs are missing: ${missing.join(', ')}; available are ${available.join(', ') || 'none'}`,
    );
  }
  const misfit = (cause?: unknown) => {
    const shapes = present.map(([key, { shape }]) => `${key} [${shape.join(', ')}]`);
    return new Error(
      `Cannot compute loss "${name}" as the shapes of its inputs must fit each other: current values are ${shapes.join(', ')}`,
      { cause },
    );
  };
  const used = new Set([...loss.requiredInputs, ...loss.optionalInputs]);
  try {
    return tidyResult(() => {
      const operands = present.map(([key, value]): [string, tf.Tensor] => [
        key,
        CONSTANT.test(key) ? stopGradient(value) : value,
      ]);
      const fitted = fitInputs(Object.fromEntries(operands.filter(([key]) => used.has(key))));
      if (fitted === null) throw misfit();
      return loss.compute({ ...Object.fromEntries(operands), ...fitted }, settings);
    });
  } catch (error) {
    throw MISFIT.test((error as Error).message) ? misfit(error) : error;
  }
}
