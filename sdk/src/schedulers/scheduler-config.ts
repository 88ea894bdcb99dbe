import { showValue } from '../core/show-value';

/** A scheduler's settings, with diffusers' keys (scheduler_config.json). */
export interface FlowMatchSchedulerConfig {
  /** N, the number of training timesteps; a timestep is sigma * N. */
  num_train_timesteps: number;
  /** s of the static shift sigma <- s sigma / (1 + (s-1) sigma); larger spends more steps at high noise. */
  shift: number;
  /** Shift by `mu`, which depends on the image size, instead of by `shift`. */
  use_dynamic_shifting: boolean;
  /** mu at `base_image_seq_len` tokens. */
  base_shift: number | null;
  /** mu at `max_image_seq_len` tokens. */
  max_shift: number | null;
  base_image_seq_len: number;
  max_image_seq_len: number;
  /** Count from data to noise: sigma <- 1 - sigma, ending at 1. */
  invert_sigmas: boolean;
  /** Stretch the schedule so that its last sigma is this. */
  shift_terminal: number | null;
  use_karras_sigmas: boolean;
  use_exponential_sigmas: boolean;
  use_beta_sigmas: boolean;
  /** How mu enters: e^mu or mu itself. */
  time_shift_type: 'exponential' | 'linear';
  /** Renoise the predicted data at every step. Used by FlowMatchEulerDiscreteScheduler alone. */
  stochastic_sampling: boolean;
}

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Key;

/** A scheduler's constructor options: the settings in camelCase, each with a default. */
export type FlowMatchSchedulerOptions = {
  [Key in keyof FlowMatchSchedulerConfig as Camel<Key>]?: FlowMatchSchedulerConfig[Key];
};

const DEFAULTS: FlowMatchSchedulerConfig = {
  num_train_timesteps: 1000,
  shift: 1,
  use_dynamic_shifting: false,
  base_shift: 0.5,
  max_shift: 1.15,
  base_image_seq_len: 256,
  max_image_seq_len: 4096,
  invert_sigmas: false,
  shift_terminal: null,
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  time_shift_type: 'exponential',
  stochastic_sampling: false,
};

const KEYS = Object.keys(DEFAULTS) as (keyof FlowMatchSchedulerConfig)[];

const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** Constructor options for a diffusers configuration; keys that no scheduler here knows are left out, as diffusers does. */
export function optionsFromConfig(config: Record<string, unknown>): FlowMatchSchedulerOptions {
  const known = KEYS.filter((key) => config[key] !== undefined);
  return Object.fromEntries(known.map((key) => [camel(key), config[key]]));
}

/** Fills in defaults and checks. Throws on an option that does not exist or does not fit. */
export function completeConfig(options: FlowMatchSchedulerOptions): FlowMatchSchedulerConfig {
  const given = options as Record<string, unknown>;
  const unknown = Object.keys(given).filter((name) => !KEYS.some((key) => camel(key) === name));
  if (unknown.length > 0) {
    throw new Error(
      `Cannot make a scheduler as there is no option ${unknown.join(', ')}: there are ${KEYS.map(camel).join(', ')}`,
    );
  }
  const config = Object.fromEntries(
    KEYS.map((key) => [key, valueOf(key, given[camel(key)])]),
  ) as unknown as FlowMatchSchedulerConfig;
  check(config);
  return Object.freeze(config);
}

function valueOf(key: keyof FlowMatchSchedulerConfig, value: unknown): unknown {
  if (value === undefined) return DEFAULTS[key];
  // Older files hold null for a switch that is off.
  return value === null && typeof DEFAULTS[key] === 'boolean' ? false : value;
}

/** Timesteps are float32, which has every whole number up to this one. */
const MOST_TIMESTEPS = 2 ** 24;

/** Beyond these the shifted sigmas are all 0 or 1 in float32, and so NaN once they are stretched. */
const [LEAST_SHIFT, LARGEST_SHIFT] = [2 ** -24, 2 ** 24];

type Rule = [rule: string, allows: (value: unknown) => boolean];

const NUMBER_OR_NULL: Rule = [
  'a number or null',
  (value) => value === null || Number.isFinite(value),
];
const LENGTH: Rule = [
  'a positive integer',
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
];

/** What the static shift may be. */
export const SHIFT: Rule = [
  `a number from ${LEAST_SHIFT} to ${LARGEST_SHIFT}`,
  (value) => typeof value === 'number' && value >= LEAST_SHIFT && value <= LARGEST_SHIFT,
];

/** What settings may be that are not switches. */
const RULES: Partial<Record<keyof FlowMatchSchedulerConfig, Rule>> = {
  num_train_timesteps: LENGTH,
  shift: SHIFT,
  base_shift: NUMBER_OR_NULL,
  max_shift: NUMBER_OR_NULL,
  base_image_seq_len: LENGTH,
  max_image_seq_len: LENGTH,
  shift_terminal: [
    'a number from 0 to below 1, or null',
    (value) =>
      value === null || (Number.isFinite(value) && (value as number) >= 0 && (value as number) < 1),
  ],
  time_shift_type: [
    'exponential or linear',
    (value) => value === 'exponential' || value === 'linear',
  ],
};

const SWITCH: Rule = ['true or false', (value) => typeof value === 'boolean'];

function check(config: FlowMatchSchedulerConfig): void {
  for (const key of KEYS) {
    const [rule, allows] = RULES[key] ?? SWITCH;
    if (!allows(config[key])) {
      throw new Error(
        `Cannot make a scheduler as ${camel(key)} must be ${rule}: ${showValue(config[key])}`,
      );
    }
  }
  if (config.num_train_timesteps > MOST_TIMESTEPS) {
    throw new Error(
      `Cannot make a scheduler as numTrainTimesteps must be at most ${MOST_TIMESTEPS}: ${config.num_train_timesteps}`,
    );
  }
  const conversions = KEYS.filter((key) => /^use_.*_sigmas$/.test(key) && config[key]);
  if (conversions.length > 1) {
    throw new Error(
      `Cannot make a scheduler as at most one sigma conversion can be used: ${conversions.map(camel).join(', ')}`,
    );
  }
}
