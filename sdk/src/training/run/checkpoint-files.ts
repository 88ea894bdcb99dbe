import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSafetensors } from '../../io/safetensors';
import { readStateDict } from '../../io/state-dict';
import { writeJson } from '../../io/write-json';
import { writeSafetensors } from '../../io/write-safetensors';
import { readLoraFile } from '../../io/lora-file';
import { readJsonObject } from '../../io/read-json';
import { assignAll } from '../../models';
import type { TrainableModel } from '../../pipelines';
import { tf } from '../../tensorflow';
import type { TrainerPosition, TrainerState } from '../weight-trainer';

/** The file that says what a checkpoint is of. It is written last: a folder that has it is whole. */
const STATE = 'state.json';
const OPTIMIZER = 'optimizer.safetensors';
const WEIGHTS = 'transformer';
const FORMAT = 1;

/** What a checkpoint says of itself. */
export interface CheckpointInfo extends TrainerPosition {
  format: number;
  /** Of the run: everything random follows from it and the step. */
  seed: number;
  /** The trainer's class. */
  trainer: string;
}

/** What writes itself as diffusers does. Models of `@flowbook/sdk` do. */
type SavableModel = TrainableModel & {
  savePretrained?(folder: string): void;
  saveLora?(folder: string, options: { adapterName: string }): void;
};

/**
 * The checkpoint that a path stands for: a checkpoint's folder, or the last one of a run's. null when there is none.
 */
export function checkpointIn(path: string): string | null {
  const last = join(path, 'checkpoints', 'last');
  // A run that ended while it put the new one in place has left the one before.
  const candidates = [path, last, previousOf(last)];
  return candidates.find((folder) => existsSync(join(folder, STATE))) ?? null;
}

/**
 * Writes a checkpoint: the weights as diffusers writes them (`transformer/`, or adapters alone), their mean in `ema/` in the
 * same form, the optimizer and other policies as safetensors, and state.json. It is written under another name and then put
 * in the place of the one before, so that there is always a whole one.
 *
 * @throws When the model has no `savePretrained` or `saveLora`.
 */
export function writeCheckpoint(
  folder: string,
  { model, optimizer, average, policies }: TrainerState,
  info: Omit<CheckpointInfo, 'format'>,
): void {
  const partial = `${folder}.${randomBytes(4).toString('hex')}.partial`;
  try {
    mkdirSync(partial, { recursive: true });
    writeTrained(model, join(partial, WEIGHTS));
    average?.use(() => writeTrained(model, join(partial, 'ema')));
    const moments = optimizer.stateDict();
    try {
      writeSafetensors(join(partial, OPTIMIZER), moments);
    } finally {
      tf.dispose([...moments.values()]);
    }
    for (const [name, policy] of Object.entries(policies)) {
      const values = policy.values();
      if (values.size > 0) writeSafetensors(join(partial, policyFile(name)), values);
    }
    writeJson(join(partial, STATE), { format: FORMAT, ...info });
    replaceFolder(folder, partial);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** What a checkpoint says of itself. Throws when it is not one that can be read. */
export function readCheckpointInfo(folder: string): CheckpointInfo {
  const info = readJsonObject(join(folder, STATE)) as unknown as CheckpointInfo;
  if (info.format !== FORMAT) {
    throw new Error(
      `Cannot read checkpoint "${folder}" as its format must be ${FORMAT}: current value is ${info.format}`,
    );
  }
  return info;
}

/**
 * Gives a trainer's tensors the values of a checkpoint, to the last bit.
 *
 * @throws When it holds weights of another model, other adapters or another optimizer, by the tensor's name.
 */
export function loadCheckpoint(
  folder: string,
  { model, optimizer, average, policies }: TrainerState,
): void {
  withTensors(readTrained(model, join(folder, WEIGHTS)), (values) =>
    assignAll(model.trainableVariables(), values),
  );
  if (average !== null) {
    withTensors(readTrained(model, join(folder, 'ema')), (values) => average.load(values));
  }
  withTensors(readSafetensors(join(folder, OPTIMIZER)), (values) =>
    optimizer.loadStateDict(values),
  );
  for (const [name, policy] of Object.entries(policies)) {
    if (policy.values().size === 0) continue;
    withTensors(readSafetensors(join(folder, policyFile(name))), (values) => policy.load(values));
  }
}

/** Whether a model can be written. */
export function isSavable(model: TrainableModel): boolean {
  const { savePretrained, saveLora } = model as SavableModel;
  return savePretrained !== undefined && saveLora !== undefined;
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

function adapterFolder(folder: string, name: string): string {
  return name === 'default' ? folder : join(folder, name);
}

function policyFile(name: string): string {
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

function previousOf(folder: string): string {
  return `${folder}.previous`;
}

/** A folder cannot be renamed onto another one: the old one steps aside until the new one is in place. */
function replaceFolder(folder: string, by: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const previous = previousOf(folder);
  if (existsSync(folder)) {
    rmSync(previous, { recursive: true, force: true });
    renameSync(folder, previous);
  }
  renameSync(by, folder);
  rmSync(previous, { recursive: true, force: true });
}
