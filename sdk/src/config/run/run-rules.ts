import { LOSS_MODES } from './actor-schema';
import { ADVANTAGE_ESTIMATORS } from './algorithm-schema';
import type { RunSettings } from './run-schema';

/** Names that are registered here besides upstream's. */
export interface RegisteredNames {
  /** For `loss_mode`: `losses.names()`. Default: none. */
  lossModes?: readonly string[];
  /** For `adv_estimator`. Default: none. */
  advantageEstimators?: readonly string[];
}

/** A rule that several keys have to meet together. */
interface RunRule {
  /** Whether the settings break it. */
  broken(settings: RunSettings, registered: RegisteredNames): boolean;
  /** What has to be, and the keys that are not so. */
  message(settings: RunSettings, registered: RegisteredNames): string;
}

const LOSS_MODE = 'actor_rollout_ref.actor.diffusion_loss.loss_mode';

/** Losses that compare pairs or probabilities instead. */
const WITHOUT_ADVANTAGES = ['dpo', 'diffusion_nft'];

/** Losses that are a distance to a teacher. */
const FROM_TEACHER = ['distill_kl', 'distill_fm_mse'];

const actorOf = ({ actor_rollout_ref: run }: RunSettings) => run.actor;
const lossModeOf = (settings: RunSettings) => actorOf(settings).diffusion_loss.loss_mode;
const lossModesOf = ({ lossModes = [] }: RegisteredNames) => [
  ...new Set([...LOSS_MODES, ...lossModes]),
];
const estimatorsOf = ({ advantageEstimators = [] }: RegisteredNames) => [
  ...new Set([...ADVANTAGE_ESTIMATORS, ...advantageEstimators]),
];
const distills = (settings: RunSettings) =>
  FROM_TEACHER.includes(lossModeOf(settings)) || actorOf(settings).use_distill_loss;

/** Upstream's checks across sections, in its order. */
const RULES: readonly RunRule[] = [
  {
    broken: (settings, registered) => !lossModesOf(registered).includes(lossModeOf(settings)),
    message: (settings, registered) =>
      `${LOSS_MODE} must be one of ${lossModesOf(registered).join(', ')} (it follows actor_rollout_ref.model.algorithm unless it is set; mix_grpo is trained by flow_grpo): current value is ${JSON.stringify(lossModeOf(settings))}`,
  },
  {
    broken: (settings, registered) =>
      settings.algorithm.trainer_type === 'policy_gradient' &&
      !WITHOUT_ADVANTAGES.includes(lossModeOf(settings)) &&
      !estimatorsOf(registered).includes(settings.algorithm.adv_estimator),
    message: ({ algorithm }, registered) =>
      `algorithm.adv_estimator must be one of ${estimatorsOf(registered).join(', ')} for a policy gradient (it follows actor_rollout_ref.model.algorithm unless it is set): current value is ${JSON.stringify(algorithm.adv_estimator)}`,
  },
  {
    broken: (settings) => settings.distillation.enabled && !distills(settings),
    message: () =>
      `distillation.enabled needs a loss that learns from the teacher (${LOSS_MODE}=${FROM_TEACHER.join(' or ')}, or actor_rollout_ref.actor.use_distill_loss=true): current value is true`,
  },
  {
    broken: (settings) => distills(settings) && !settings.distillation.enabled,
    message: () =>
      'a distillation loss needs a teacher (distillation.enabled=true and distillation.teacher_models.teacher_model.model_path): current value of distillation.enabled is false',
  },
  {
    broken: ({ distillation }) =>
      distillation.enabled && distillation.teacher_models.teacher_model.model_path === null,
    message: () =>
      'distillation.teacher_models.teacher_model.model_path must name the teacher when distillation.enabled is true: current value is null',
  },
  {
    broken: (settings) =>
      settings.distillation.enabled && settings.algorithm.trainer_type !== 'policy_gradient',
    message: ({ algorithm }) =>
      `algorithm.trainer_type must be policy_gradient when distillation.enabled is true: current value is ${JSON.stringify(algorithm.trainer_type)}`,
  },
  {
    broken: ({ actor_rollout_ref: { model, rollout } }) =>
      model.policy_state_adapters.includes('old') && rollout.rollout_adapter !== 'old',
    message: ({ actor_rollout_ref: { rollout } }) =>
      `actor_rollout_ref.rollout.rollout_adapter must be old where policy_state_adapters names old: current value is ${JSON.stringify(rollout.rollout_adapter)}`,
  },
  {
    broken: (settings) =>
      settings.actor_rollout_ref.model.policy_state_adapters.includes('old') &&
      lossModeOf(settings) !== 'diffusion_nft',
    message: (settings) =>
      `${LOSS_MODE} must be diffusion_nft where policy_state_adapters names old: current value is ${JSON.stringify(lossModeOf(settings))}`,
  },
  {
    broken: ({ reward: { reward_functions: functions } }) =>
      Object.keys(functions).length > 0 && totalWeight(functions) <= 0,
    message: ({ reward }) =>
      `the weights of reward.reward_functions must add up to more than 0: current value is ${totalWeight(reward.reward_functions)}`,
  },
];

function totalWeight(functions: RunSettings['reward']['reward_functions']): number {
  return Object.values(functions).reduce((sum, { weight }) => sum + weight, 0);
}

/** Checks what upstream checks across sections. @throws On the first rule that is broken. */
export function checkRunRules(settings: RunSettings, registered: RegisteredNames): void {
  for (const { broken, message } of RULES) {
    if (broken(settings, registered)) {
      throw new Error(`Cannot read the configuration as ${message(settings, registered)}`);
    }
  }
}
