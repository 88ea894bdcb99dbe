import type { TrainableModel } from '../pipelines';
import { assignAll, type DiffusionTransformer, type LoraLayer } from '../models';
import type { LoraWeights } from '../io/lora-file';
import { tf } from '../tensorflow';
import type { Frame } from './frame';
import { decodePayload, encodePayload } from './tensor-payload';

/** Most bytes of weights in one frame, unless a single tensor has more. */
const SHARD_BYTES = 256 * 1024 * 1024;

/** An adapter as a header describes it; its tensors are `<adapter>/<path>/A` and `/B`. */
interface AdapterOutline {
  name: string;
  /** What its scale is multiplied by. */
  weight: number;
  layers: Record<string, { rank: number; alpha: number }>;
}

/** What the first frame of weights says. */
interface WeightsOutline {
  /** Active adapters in their order, or null for all weights. */
  adapters: AdapterOutline[] | null;
}

/** A transformer of any architecture. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyTransformer = DiffusionTransformer<object, any, tf.Tensor>;

/**
 * What can be trained of a model as frames of bounded size: its active adapters as low-rank matrices, or all its weights when
 * it has none.
 *
 * @throws When adapters are merged: workers have the weights of the checkpoint.
 */
export function encodeWeights(model: TrainableModel, shardBytes = SHARD_BYTES): Frame[] {
  const { adapters } = model;
  const tensors: [string, tf.Tensor][] = [];
  const outline: WeightsOutline = { adapters: null };
  if (adapters.names().length > 0) {
    if (adapters.merged.length > 0) {
      throw new Error(
        `Cannot send weights to rollout workers as adapters must not be merged: merged are ${adapters.merged.join(', ')}; call unmergeLora() first`,
      );
    }
    const active = adapters.enabled ? adapters.active : [];
    outline.adapters = active.map((name) => {
      const layers = [...adapters.get(name)].map(([path, { A, B, rank, alpha }]) => {
        tensors.push([`${name}/${path}/A`, A], [`${name}/${path}/B`, B]);
        return [path, { rank, alpha }] as const;
      });
      return { name, weight: adapters.weightOf(name), layers: Object.fromEntries(layers) };
    });
  } else {
    tensors.push(...model.trainableVariables());
  }
  const shards = shardsOf(tensors, shardBytes);
  return shards.map((shard, index) => ({
    header: { index, count: shards.length, ...(index === 0 ? outline : {}) },
    payload: encodePayload(shard),
  }));
}

function shardsOf(tensors: [string, tf.Tensor][], most: number): [string, tf.Tensor][][] {
  const shards: [string, tf.Tensor][][] = [[]];
  let bytes = 0;
  for (const entry of tensors) {
    const size = 4 * entry[1].size;
    if (bytes > 0 && bytes + size > most) {
      shards.push([]);
      bytes = 0;
    }
    shards[shards.length - 1].push(entry);
    bytes += size;
  }
  return shards;
}

/**
 * Puts weights in place.
 *
 * @param frames All of `encodeWeights`, in order.
 * @throws When the model is another one: a layer or weight is missing or of another shape.
 */
export function loadWeights(model: AnyTransformer, frames: readonly Frame[]): void {
  const { adapters } = frames[0].header as unknown as WeightsOutline;
  const values = new Map<string, tf.Tensor>();
  try {
    for (const { payload } of frames) {
      for (const [name, tensor] of decodePayload(payload).tensors) values.set(name, tensor);
    }
    if (adapters === null) assignAll(model.trainableVariables(), values);
    else loadAdapters(model, adapters, values);
  } finally {
    tf.dispose([...values.values()]);
  }
}

function loadAdapters(
  { adapters }: AnyTransformer,
  outlines: readonly AdapterOutline[],
  values: ReadonlyMap<string, tf.Tensor>,
): void {
  for (const { name, layers } of outlines) {
    const read = (path: string, part: 'A' | 'B') =>
      values.get(`${name}/${path}/${part}`) as tf.Tensor2D;
    if (adapters.names().includes(name) && isSame(adapters.get(name), layers)) {
      for (const [path, { A, B }] of adapters.get(name)) {
        A.assign(read(path, 'A'));
        B.assign(read(path, 'B'));
      }
      continue;
    }
    if (adapters.names().includes(name)) adapters.remove(name);
    const weights = Object.entries(layers).map(([path, size]): [string, LoraWeights] => [
      path,
      { A: tf.clone(read(path, 'A')), B: tf.clone(read(path, 'B')), ...size },
    ]);
    adapters.adopt(name, new Map(weights));
  }
  adapters.enabled = true;
  adapters.setActive(
    outlines.map(({ name }) => name),
    outlines.map(({ weight }) => weight),
  );
}

function isSame(set: ReadonlyMap<string, LoraLayer>, layers: AdapterOutline['layers']): boolean {
  return (
    set.size === Object.keys(layers).length &&
    [...set].every(
      ([path, { rank, alpha }]) => layers[path]?.rank === rank && layers[path].alpha === alpha,
    )
  );
}
