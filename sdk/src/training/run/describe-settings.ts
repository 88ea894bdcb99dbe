/**
 * A trainer's settings as plain JSON for `run.json`: functions, models and workers stand as their names, prompts and pairs as their
 * number.
 */
export function describeSettings(
  settings: object & { prompts?: readonly unknown[]; pairs?: readonly unknown[] },
): Record<string, unknown> {
  const { prompts, pairs, ...rest } = settings;
  const counts = { prompts: prompts?.length, pairs: pairs?.length };
  const plain = JSON.stringify({ ...rest, ...counts }, (key, value) => {
    if (typeof value === 'function') return value.name || 'anonymous';
    if ((key === 'teacher' || key === 'rolloutWorkers') && value !== null) {
      return value.constructor.name;
    }
    if (key === 'evaluation' && value !== null) return { ...value, prompts: value.prompts.length };
    return value;
  });
  return JSON.parse(plain) as Record<string, unknown>;
}
