import { join } from 'node:path';
import { rewriteComponent } from '../io/component-files';
import { writeStateDict, type SavePretrainedOptions } from '../io/state-dict';
import type { ModelIndexEntry } from '../io/model-directory';
import type { WeightFilesOptions } from '../io/stored-weights';
import { DIFFUSERS_VERSION, writeJson } from '../io/write-json';
import { tf } from '../tensorflow';
import { typeOfTensors, type ModelDtype } from './model-dtype';

/** What a component can be written from again. */
export interface ComponentOrigin {
  /** Writes settings and weights into a folder, for example `<model>/vae`. */
  save(folder: string, options: SavePretrainedOptions): void;
  /** Frees what it holds to write from. */
  dispose(): void;
}

/**
 * The folder that a component was loaded from: what the models do not read of it, such as a vision tower, stays.
 *
 * @param dtype What it is written in unless options say otherwise.
 */
export function storedOrigin(
  source: string,
  from: WeightFilesOptions,
  dtype: ModelDtype,
): ComponentOrigin {
  return {
    save: (folder, options) =>
      rewriteComponent(source, from, folder, { ...options, dtype: options.dtype ?? dtype }),
    dispose: () => undefined,
  };
}

/** Settings and tensors that a component was made from; the tensors are kept beside it. */
function heldOrigin(
  [library, className]: ModelIndexEntry,
  config: Record<string, unknown>,
  stateDict: ReadonlyMap<string, tf.Tensor>,
): ComponentOrigin {
  const tensors = new Map(
    [...stateDict].map(([name, tensor]) => [name, tf.keep(tensor.clone())] as const),
  );
  const isDiffusers = library === 'diffusers';
  return {
    save: (folder, options) => {
      const stem = isDiffusers ? 'diffusion_pytorch_model' : 'model';
      const dtype = options.dtype ?? typeOfTensors(tensors.values());
      writeStateDict(folder, tensors, { ...options, dtype, stem });
      const about = isDiffusers
        ? { _class_name: className, _diffusers_version: DIFFUSERS_VERSION }
        : { architectures: [className], dtype };
      writeJson(join(folder, 'config.json'), { ...config, ...about });
    },
    dispose: () => tf.dispose([...tensors.values()]),
  };
}

/** A model that is not trained here, and is written as it was loaded or made. */
export abstract class FrozenComponent {
  /** Library and class, as model_index.json names them. */
  readonly modelIndexEntry: ModelIndexEntry;
  #origin: ComponentOrigin | null = null;

  protected constructor(modelIndexEntry: ModelIndexEntry) {
    this.modelIndexEntry = modelIndexEntry;
  }

  /**
   * Writes settings and weights as diffusers and transformers do, so that both load them. What the model does not read
   * itself is carried over from the folder that it was loaded from, which must still be there.
   *
   * @param folder For example `<model>/vae`.
   */
  savePretrained(folder: string, options: SavePretrainedOptions = {}): void {
    this.#origin?.save(folder, options);
  }

  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): void {
    this.#origin?.dispose();
    this.#origin = null;
  }

  /** To be called once the model is complete. */
  protected keepOrigin(
    origin: ComponentOrigin | undefined,
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
  ): void {
    this.#origin = origin ?? heldOrigin(this.modelIndexEntry, config, stateDict);
  }
}
