import type { DiffusionModelConfig } from '../config';
import type { FlowGRPOSettings } from './flow-grpo-options';

/**
 * What a run is configured by, resolved, as plain JSON for `run.json`: the trainer's settings, the model's configuration,
 * and whatever the caller's own configuration was. Functions and models stand as their names, prompts as their number.
 */
export function describeRun(
  settings: FlowGRPOSettings,
  modelConfig: DiffusionModelConfig,
  configuration: object | null,
): object {
  const plain = JSON.stringify({ ...settings, prompts: settings.prompts.length }, (key, value) => {
    if (typeof value === 'function') return value.name || 'anonymous';
    if (key === 'teacher' && value !== null) return value.constructor.name;
    if (key === 'evaluation' && value !== null) return { ...value, prompts: value.prompts.length };
    return value;
  });
  return { trainer: JSON.parse(plain), model: modelConfig, configuration };
}
