import type { TrainableModel } from './model-mixin';

/** Throws when a model has adapters and none of them takes part in its predictions: nothing of it is trained then. */
export function requireActiveAdapter({ adapters }: TrainableModel, action: string): void {
  const { active, enabled, merged } = adapters;
  const names = adapters.names();
  if (names.length === 0 || (enabled && active.length > 0)) return;
  const found = () => {
    if (!enabled) return 'they are disabled; call enableLora()';
    if (merged.length === 0) return 'none is chosen; call setAdapters()';
    return `merged are ${merged.join(', ')}; call unmergeLora(), or add one that is trained on top`;
  };
  throw new Error(
    `Cannot ${action} as one of the model's adapters must take part: present are ${names.join(', ')}, ${found()}`,
  );
}
