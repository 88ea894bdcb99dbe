import type { DiffusionModelConfig } from '../config';

/**
 * What a run is configured by, resolved, as plain JSON for `run.json`: the trainer's settings, the model's configuration,
 * and whatever the caller's own configuration was. Functions and models stand as their names, prompts and pairs as their number.
 */
export function describeRun(
  settings: object & { prompts?: readonly unknown[]; pairs?: readonly unknown[] },
  modelConfig: DiffusionModelConfig,
  configuration: object | null,
): object {
  const { prompts, pairs, ...rest } = settings;
  const counts = { prompts: prompts?.length, pairs: pairs?.length };
  const plain = JSON.stringify({ ...rest, ...counts }, (key, value) => {
    if (typeof value === 'function') return value.name || 'anonymous';
    if (key === 'teacher' && value !== null) return value.constructor.name;
    if (key === 'evaluation' && value !== null) return { ...value, prompts: value.prompts.length };
    return value;
  });
  return { trainer: JSON.parse(plain), model: modelConfig, configuration };
}
