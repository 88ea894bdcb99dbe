import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freeMemory } from '../../core/memory-watch';
import { readSafetensors } from '../../io/safetensors';
import { readStateDict } from '../../io/state-dict';
import { writeSafetensors } from '../../io/write-safetensors';
import { readLoraFile } from '../../io/lora-file';
import { assignAll } from '../../models';
import type { TrainableModel } from '../../pipelines';
import { tf } from '../../tensorflow';
import type { TrainerState, WeightVersions } from '../trainer-state';
import { writeCheckpointInfo, type CheckpointInfo } from './checkpoint-info';
import type { CheckpointPart, CheckpointWriter } from './checkpoint-writer';

/** Tensors that a message lists; the rest is counted. */
const LISTED = 3;

export const OPTIMIZER = 'optimizer.safetensors';
const WEIGHTS = 'transformer';
/** The mean of the weights, in their form. */
export const AVERAGE = 'ema';
/** Weights that rollouts ahead are made with, as `<version>/<name>`. */
const EARLIER = 'earlier-weights.safetensors';

/** What writes itself as diffusers does. Models of `@flowbook/sdk` do. */
type SavableModel = TrainableModel & {
  savePretrained?(folder: string): void;
  saveLora?(folder: string, options: { adapterName: string }): void;
  /** All weights by name, frozen ones among them. */
  parameters?: ReadonlyMap<string, tf.Variable>;
};

/** How a checkpoint is written. */
export interface WriteCheckpointOptions {
  writer: CheckpointWriter;
  /** Checkpoints of this name that stay, the new one included. */
  kept: number;
  /** Files that must be on disk before it is in its place: what it goes on from there must be known of its steps. */
  after: readonly string[];
  /** What is done once it is in its place. */
  then?: () => void;
}

/**
 * Writes a checkpoint: the weights as diffusers writes them (`transformer/`, or adapters alone), their mean in `ema/` in the
 * same form, the optimizer, other policies and earlier weights as safetensors, state.json, and manifest.json with the hash of each file. What
 * it holds is copied before this returns; the rest is the writer's.
 *
 * @throws What the checkpoint before failed by.
 */
export function writeCheckpoint(
  folder: string,
  state: TrainerState,
  info: CheckpointInfo,
  { writer, kept, after, then }: WriteCheckpointOptions,
): Promise<void> {
  const { model, optimizer, average, policies, earlier } = state;
  const versions = earlier?.after(info.step) ?? new Map<number, never>();
  const parts: CheckpointPart[] = [
    (at) => writeTrained(model, join(at, WEIGHTS)),
    (at) => average?.use(() => writeTrained(model, join(at, AVERAGE))),
    (at) => {
      const moments = optimizer.stateDict();
      try {
        writeSafetensors(join(at, OPTIMIZER), moments);
      } finally {
        tf.dispose([...moments.values()]);
      }
    },
    ...Object.entries(policies).map(([name, policy]): CheckpointPart => (at) => {
      const values = policy.values();
      if (values.size > 0) writeSafetensors(join(at, policyFile(name)), values);
    }),
    (at) => {
      if (versions.size > 0) writeSafetensors(join(at, EARLIER), joinVersions(versions));
    },
    (at) => writeCheckpointInfo(at, info),
  ];
  const room = freeMemory();
  return writer.write(folder, parts, {
    kept,
    after,
    then,
    isTight: bytesOf(state, versions.size) > room / 2,
  });
}

/** What a copy of a state takes, at most. */
function bytesOf({ model, average, policies }: TrainerState, versions: number): number {
  const weights = [...model.trainableVariables().values()].reduce((sum, { size }) => sum + size, 0);
  // The weights, two moments of each, their mean.
  const copies = 3 + (average === null ? 0 : 1) + Object.keys(policies).length + versions;
  return 4 * weights * copies;
}

/**
 * Gives a trainer's tensors the values of a checkpoint, to the last bit. Where it holds no earlier weights, and steps to come
 * ask for them, stderr says what becomes of that.
 *
 * @throws When it lacks a tensor of the model, its adapters or the optimizer, or holds one that they do not have, as then it
 *   is of others; the message names it. Of a model that does not list its `parameters`, what is no trainable variable may be a
 *   frozen one.
 */
export function loadCheckpoint(
  folder: string,
  { model, optimizer, average, policies, earlier }: TrainerState,
): void {
  const loadTrained = (at: string, load: (values: Map<string, tf.Tensor>) => void) =>
    withTensors(readTrained(model, at), (values) => {
      requireKnown(model, at, values);
      load(values);
    });
  loadTrained(join(folder, WEIGHTS), (values) => assignAll(model.trainableVariables(), values));
  if (average !== null) loadTrained(join(folder, AVERAGE), (values) => average.load(values));
  withTensors(readSafetensors(join(folder, OPTIMIZER)), (values) =>
    optimizer.loadStateDict(values),
  );
  for (const [name, policy] of Object.entries(policies)) {
    if (policy.values().size === 0) continue;
    withTensors(readSafetensors(join(folder, policyFile(name))), (values) => policy.load(values));
  }
  if (earlier === null) return;
  const path = join(folder, EARLIER);
  if (existsSync(path)) {
    withTensors(readSafetensors(path), (values) => earlier.load(splitVersions(values)));
  } else {
    earlier.load(new Map());
    process.stderr.write(
      `Goes on from "${folder}" without weights of earlier steps, as it holds none: the next steps are rolled out with the present ones, and are others than of a run that was not stopped\n`,
    );
  }
}

function joinVersions(versions: WeightVersions): Map<string, tf.Tensor> {
  const named = [...versions].flatMap(([version, weights]) =>
    [...weights].map(([name, tensor]) => [`${version}/${name}`, tensor] as const),
  );
  return new Map(named);
}

function splitVersions(values: ReadonlyMap<string, tf.Tensor>): WeightVersions {
  const versions = new Map<number, Map<string, tf.Tensor>>();
  for (const [key, tensor] of values) {
    const at = key.indexOf('/');
    const version = Number(key.slice(0, at));
    const weights = versions.get(version) ?? new Map<string, tf.Tensor>();
    versions.set(version, weights.set(key.slice(at + 1), tensor));
  }
  return versions;
}

/** Throws when a model cannot be written. */
export function requireSavable(model: TrainableModel): void {
  const { savePretrained, saveLora } = model as SavableModel;
  if (savePretrained !== undefined && saveLora !== undefined) return;
  throw new Error(
    'Cannot make checkpoints as the model must have savePretrained and saveLora: set checkpointEverySteps to null to run without',
  );
}

function writeTrained(model: TrainableModel, folder: string): void {
  const { active } = model.adapters;
  const savable = model as SavableModel;
  if (active.length === 0) savable.savePretrained?.(folder);
  for (const name of active) savable.saveLora?.(adapterFolder(folder, name), { adapterName: name });
}

/** By the names of the model's trainable variables, and frozen ones among them. */
function readTrained(model: TrainableModel, folder: string): Map<string, tf.Tensor> {
  const { active } = model.adapters;
  if (active.length === 0) return readStateDict(folder);
  const values = new Map<string, tf.Tensor>();
  for (const name of active) {
    const infix = name === 'default' ? '' : `.${name}`;
    for (const [path, { A, B }] of readLoraFile(adapterFolder(folder, name))) {
      values.set(`${path}.lora_A${infix}.weight`, A);
      values.set(`${path}.lora_B${infix}.weight`, B);
    }
  }
  return values;
}

/** Refuses tensors that the model does not have, as diffusers does in a strict load. */
function requireKnown(
  model: TrainableModel,
  folder: string,
  values: ReadonlyMap<string, tf.Tensor>,
): void {
  const { parameters } = model as SavableModel;
  const isAdapted = model.adapters.active.length > 0;
  if (!isAdapted && parameters === undefined) return;
  const known = isAdapted ? model.trainableVariables() : parameters;
  const unknown = [...values.keys()].filter((name) => !known?.has(name));
  if (unknown.length === 0) return;
  const more = unknown.length > LISTED ? ` and ${unknown.length - LISTED} more` : '';
  throw new Error(
    `Cannot load weights of "${folder}" as the model must have every tensor of it: it has no ${unknown.slice(0, LISTED).join(', ')}${more}`,
  );
}

function adapterFolder(folder: string, name: string): string {
  return name === 'default' ? folder : join(folder, name);
}

/** Holds the weights of another policy. */
export function policyFile(name: string): string {
  return `policy-${name}.safetensors`;
}

function withTensors(
  values: Map<string, tf.Tensor>,
  work: (values: Map<string, tf.Tensor>) => void,
): void {
  try {
    work(values);
  } finally {
    tf.dispose([...values.values()]);
  }
}
