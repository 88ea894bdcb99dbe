import type { RandomKey } from '../core/random-key';
import { selectLoraTargets, type LoraLayer } from '../models';
import type { TrainableModel } from '../pipelines';
import { requireActiveAdapter } from '../pipelines/require-active-adapter';
import type { LoraOptions } from './flow-grpo-options';

/** What the adapter of `lora` is called. */
const NAME = 'default';

/** How an adapter is made ready. */
export interface PrepareAdapterOptions {
  /** What the start of a new one depends on. */
  key: RandomKey;
  /** Whether a checkpoint may be resumed: a run that was stopped in this process has left its adapter. */
  mayResume: boolean;
}

/** What was made ready. */
export interface PreparedAdapter {
  /** Whether it was there: what it holds is right only once a checkpoint's values are in it. */
  isFound: boolean;
  /** Removes it if it was added, and is still there: the model is as it was. */
  takeBack(): void;
}

/**
 * Sees to the adapter that is trained: adds a new one, or keeps the one that a run left which may be resumed.
 *
 * @throws When the name is taken, the one that is there is not as `lora` asks, or no adapter of the model takes part.
 */
export function prepareAdapter(
  model: TrainableModel,
  lora: LoraOptions | null,
  { key, mayResume }: PrepareAdapterOptions,
): PreparedAdapter {
  const { adapters } = model;
  if (lora !== null && !adapters.enabled) {
    throw new Error('Cannot train adapters as they must not be disabled: call enableLora() first');
  }
  const isFound = lora !== null && mayResume && adapters.active.includes(NAME);
  if (isFound) requireAsAsked(model, lora);
  else if (lora !== null) model.addLora({ ...lora, key });
  requireActiveAdapter(model, 'train');
  const added = lora === null || isFound ? null : adapters.get(NAME);
  return {
    isFound,
    takeBack: () => {
      const isThere = added !== null && adapters.names().includes(NAME);
      if (isThere && adapters.get(NAME) === added) adapters.remove(NAME);
    },
  };
}

/** Throws for an adapter that was there before, where no checkpoint is resumed. */
export function refuseFoundAdapter(): never {
  throw new Error(
    `Cannot begin with step 1 as adapter "${NAME}" must be new where no checkpoint is resumed: call adapters.remove("${NAME}") of the model first, or leave lora out to train on from it`,
  );
}

function requireAsAsked(
  { adapters }: TrainableModel,
  { rank, alpha = rank, targetModules = 'all-linear' }: LoraOptions,
): void {
  const set = adapters.get(NAME);
  const asked = selectLoraTargets([...adapters.layers.keys()], targetModules);
  const both = asked.filter((path) => set.has(path)).length;
  const isSize = (layer: LoraLayer): boolean => layer.rank === rank && layer.alpha === alpha;
  if (both === asked.length && both === set.size && [...set.values()].every(isSize)) return;
  const found = (of: 'rank' | 'alpha'): string =>
    [...new Set([...set.values()].map((layer) => layer[of]))].join(' or ');
  throw new Error(
    `Cannot train adapter "${NAME}" as the one that is there must be as lora asks, rank ${rank} and alpha ${alpha} on ${asked.length} layers: current value is rank ${found('rank')} and alpha ${found('alpha')} on ${set.size}, of which ${both} are asked for; call adapters.remove("${NAME}") of the model first`,
  );
}
