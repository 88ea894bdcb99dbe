import { withinTime } from '../core/within-time';

/** What a LoRA file says about its weights, under PEFT's names. */
export interface LoraSettings {
  r?: number;
  lora_alpha?: number;
  rank_pattern?: Record<string, number> | null;
  alpha_pattern?: Record<string, number> | null;
  use_rslora?: boolean;
  [key: string]: unknown;
}

/** Longest time that patterns may take for all layers of a file: one written to may never end. */
const LONGEST_MS = 5_000;

/** PEFT's default of `r` and `lora_alpha`. */
const PEFT_DEFAULT = 8;

/** Settings that change what the weights mean, or add other ones; they must be off. */
const UNSUPPORTED = [
  'use_dora',
  'lora_bias',
  'use_qalora',
  'use_bdlora',
  'modules_to_save',
  'layer_replication',
  'target_parameters',
  'trainable_token_indices',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'velora_config',
] as const;

/** Starts that leave the model's own weights as they are. */
const PLAIN_STARTS: readonly unknown[] = [undefined, true, false, 'gaussian', 'eva', 'orthogonal'];

/** The `setting` that is not supported and what it must be; null when all can be read. */
export function unsupportedSetting(
  settings: LoraSettings,
): { key: string; rule: string; value: unknown } | null {
  const { peft_type: kind = 'LORA', bias = 'none', init_lora_weights: start } = settings;
  if (kind !== 'LORA') return { key: 'peft_type', rule: 'must be "LORA"', value: kind };
  if (bias !== 'none') return { key: 'bias', rule: 'must be "none"', value: bias };
  if (!PLAIN_STARTS.includes(start)) {
    const rule = 'must leave the weights as they are, as true, false and "gaussian" do';
    return { key: 'init_lora_weights', rule, value: start };
  }
  const key = UNSUPPORTED.find((name) => isOn(settings[name]));
  if (key === undefined) return null;
  const isSwitch = typeof settings[key] === 'boolean';
  return { key, rule: `must be ${isSwitch ? 'false' : 'empty'}`, value: settings[key] };
}

/** What settings say of a layer. */
export interface LoraSize {
  rank: number;
  alpha: number;
  /** Whether the scale is alpha / sqrt(rank). */
  usesRslora?: boolean;
}

/**
 * What settings say of each layer.
 *
 * @throws When a pattern is no regular expression, or all of them together take over five seconds.
 */
export function loraSizesOf(
  settings: LoraSettings,
  modules: Iterable<string>,
): Map<string, LoraSize> {
  const { r, lora_alpha, rank_pattern, alpha_pattern, use_rslora: usesRslora } = settings;
  return withinTime(() => {
    const [rankOf, alphaOf] = [patternLookup(rank_pattern), patternLookup(alpha_pattern)];
    const sizeOf = (module: string): LoraSize => ({
      rank: rankOf(module) ?? r ?? PEFT_DEFAULT,
      alpha: alphaOf(module) ?? lora_alpha ?? PEFT_DEFAULT,
      usesRslora,
    });
    return new Map([...modules].map((module) => [module, sizeOf(module)]));
  }, LONGEST_MS);
}

/** The alpha for which alpha / rank is the scale: with rank-stabilised LoRA that is alpha / sqrt(rank). */
export function effectiveAlpha(alpha: number, rank: number, usesRslora = false): number {
  return usesRslora ? alpha * Math.sqrt(rank) : alpha;
}

/**
 * The value of the first key that names a layer. Rule of PEFT: a key is a regular expression for the end of its path
 * after a dot, or for all of it.
 *
 * @throws When a key is no regular expression.
 */
export function byPattern(
  pattern: Readonly<Record<string, number>> | null | undefined,
  module: string,
): number | undefined {
  return patternLookup(pattern)(module);
}

/** `byPattern` for many layers: each key is compiled once. */
function patternLookup(
  pattern: Readonly<Record<string, number>> | null | undefined,
): (module: string) => number | undefined {
  const rules = Object.entries(pattern ?? {}).map(
    ([key, value]) => [pythonExpression(`^(?:.*\\.)?(?:${key})$`), value] as const,
  );
  return (module) => rules.find(([expression]) => expression.test(module))?.[1];
}

/**
 * A regular expression as Python spells it.
 *
 * @throws When it is none.
 */
export function pythonExpression(source: string): RegExp {
  const here = source.replace(/\(\?P</g, '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>');
  try {
    return new RegExp(here);
  } catch (error) {
    throw new Error(
      `Cannot match layers as a pattern must be a regular expression: current value is ${JSON.stringify(source)}`,
      { cause: error },
    );
  }
}

function isOn(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}
