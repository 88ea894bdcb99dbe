import { mkdirSync, rmSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { writeStateDict, type WeightDtype } from '../io/state-dict';
import { writeLoraFile } from '../io/write-lora-file';
import type { LoraWeights } from '../io/lora-file';
import type { TrainableModel } from '../pipelines';
import { tf } from '../tensorflow';

/** Weights where a server finds them. */
export interface WeightsOnServer {
  /** A name that no other weights have. */
  id: string;
  /** 'adapter' holds one adapter of scale 1; 'all' a folder `transformer`. */
  kind: 'adapter' | 'all';
  /** The folder, by the server's name for it. */
  path: string;
}

/** How weights are written. */
export interface WeightsFolderOptions {
  weightsFolder: string;
  /** Empty: the absolute path of the folder. */
  weightsFolderOnServer: string;
  weightsDtype: WeightDtype;
}

/** Weights by version in a folder that servers read: each version in a folder of its own, which goes when nobody needs it. */
export class WeightsFolder {
  readonly #folder: string;
  readonly #onServer: string;
  readonly #dtype: WeightDtype;
  readonly #written = new Set<string>();

  constructor({ weightsFolder, weightsFolderOnServer, weightsDtype }: WeightsFolderOptions) {
    this.#folder = resolve(weightsFolder);
    this.#onServer = weightsFolderOnServer || this.#folder;
    this.#dtype = weightsDtype;
  }

  /**
   * Writes what is trained of a model: its active adapter, or all its weights when it has none.
   *
   * An adapter's scale is multiplied into its B, and its alpha is its rank: whether a server reads alpha from the file, and how,
   * does not matter then.
   *
   * @throws When not exactly one of the model's adapters is active, or some are merged: servers have the checkpoint's weights.
   */
  write(id: string, model: TrainableModel, adapterFormat: 'diffusers' | 'peft'): WeightsOnServer {
    const folder = join(this.#folder, id);
    const path = this.#onServer === this.#folder ? folder : posix.join(this.#onServer, id);
    mkdirSync(folder, { recursive: true });
    this.#written.add(id);
    if (model.adapters.names().length === 0) {
      writeStateDict(join(folder, 'transformer'), model.trainableVariables(), {
        dtype: this.#dtype,
      });
      return { id, kind: 'all', path };
    }
    const layers = activeAdapter(model);
    try {
      writeLoraFile(folder, layers, { format: adapterFormat, dtype: this.#dtype });
    } finally {
      for (const { B } of layers.values()) B.dispose();
    }
    return { id, kind: 'adapter', path };
  }

  /** Removes weights that nobody will ask for. */
  drop(id: string): void {
    if (this.#written.delete(id)) rmSync(join(this.#folder, id), { recursive: true, force: true });
  }

  /** Removes all that were written. */
  close(): void {
    for (const id of [...this.#written]) this.drop(id);
  }
}

/** The active adapter at scale 1; its B are the caller's, its A the model's. */
function activeAdapter({ adapters }: TrainableModel): Map<string, LoraWeights> {
  const active = adapters.enabled ? adapters.active : [];
  if (adapters.merged.length > 0) {
    throw new Error(
      `Cannot send adapters to a rollout server as none must be merged: merged are ${adapters.merged.join(', ')}; call unmergeLora() first`,
    );
  }
  if (active.length !== 1) {
    throw new Error(
      `Cannot send adapters to a rollout server as exactly one must be active: current value is ${active.join(', ') || 'none'}`,
    );
  }
  const [name] = active;
  const weight = adapters.weightOf(name);
  return new Map(
    [...adapters.get(name)].map(([path, { A, B, rank, alpha }]): [string, LoraWeights] => [
      path,
      {
        A: A as tf.Tensor as tf.Tensor2D,
        B: tf.tidy(() => tf.mul(B, (weight * alpha) / rank)) as tf.Tensor2D,
        rank,
        alpha: rank,
      },
    ]),
  );
}
