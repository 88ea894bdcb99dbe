import { join } from 'node:path';
import { ANYTHING, checkOptions, SWITCH, TEXT, type Rules } from '../core/option-rules';
import { readLoraFile } from '../io/lora-file';
import type { ModelIndexEntry } from '../io/model-directory';
import { writeStateDict, type SavePretrainedOptions } from '../io/state-dict';
import { DIFFUSERS_VERSION, writeJson } from '../io/write-json';
import { writeLoraFile, WRITE_LORA_RULES, type WriteLoraOptions } from '../io/write-lora-file';
import { isBfloat16, tf, toBfloat16, toFloat32 } from '../tensorflow';
import { checkWeights } from './check-weights';
import { LoraAdapters, type NewLoraOptions } from './lora-adapters';
import { selectLoraTargets, type LoraModules, type LoraTargets } from './lora-targets';
import { typeOfTensors, type ModelDtype } from './model-dtype';
import { ModelWeights } from './model-weights';
import { runBlockAgain, runBlockOnce, type RunBlock } from './run-block';

/** The adapters of `addLora`. */
export interface AddLoraOptions extends NewLoraOptions {
  /** `'all-linear'`, ends of module paths such as `to_q`, or a regular expression. Default `'all-linear'`. */
  targetModules?: LoraTargets;
  /** Layers that get none, named in the same ways. */
  excludeModules?: LoraModules;
  /** Default `default`. */
  adapterName?: string;
}

/** How `saveLora` writes. */
export interface SaveLoraOptions extends Omit<WriteLoraOptions, 'component'> {
  /** Default `default`. */
  adapterName?: string;
}

const ADD_LORA_RULES: Rules<AddLoraOptions> = {
  rank: ANYTHING,
  alpha: ANYTHING,
  rankPattern: ANYTHING,
  alphaPattern: ANYTHING,
  useRslora: SWITCH,
  initLoraWeights: ANYTHING,
  key: ANYTHING,
  targetModules: ANYTHING,
  excludeModules: ANYTHING,
  adapterName: TEXT,
};

const { format, dtype } = WRITE_LORA_RULES;
const SAVE_LORA_RULES: Rules<SaveLoraOptions> = { format, dtype, adapterName: TEXT };

/** What a kind of transformer consists of. */
export interface TransformerDefinition<Config> {
  /** diffusers' name of the class. */
  className: string;
  /** All settings, checked. */
  config: Config;
  /** Every tensor of a checkpoint: name to shape. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** The linear layers, which can have adapters: path to [out, in]. */
  layers: ReadonlyMap<string, readonly [number, number]>;
  /** Tensors of the checkpoint that no training changes. */
  buffers?: readonly string[];
}

/** What the inputs of all transformers have in common. A type, not an interface, which would not fit `ModelInputs`. */
export type TransformerInputs = {
  /** true: `{ sample }`; false: `[sample]`. Default true, as diffusers has it. */
  return_dict?: boolean;
};

/**
 * A denoising transformer: parameters as variables under their checkpoint names and in checkpoint layout, low-rank
 * adapters, and files. What it computes is up to the subclass.
 */
export abstract class DiffusionTransformer<
  Config,
  Inputs extends TransformerInputs,
  Sample extends tf.Tensor,
> {
  readonly config: Config;
  /** By checkpoint name, in checkpoint layout: linear weights are (out, in). */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Low-rank adapters. */
  readonly adapters: LoraAdapters;
  /** Library and class, as model_index.json names them. */
  readonly modelIndexEntry: ModelIndexEntry;
  readonly #configJson: Record<string, unknown>;
  /** Weights as they were before `mergeLora`. */
  readonly #unmerged = new Map<string, tf.Tensor>();
  #isCheckpointing = false;

  /**
   * @param configJson config.json as it was read; `savePretrained` writes it again.
   * @param stateDict Every parameter by its checkpoint name; the tensors are taken over.
   * @throws When a parameter is missing, unknown or of another shape.
   */
  protected constructor(
    { className, config, shapes, layers, buffers = [] }: TransformerDefinition<Config>,
    configJson: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
  ) {
    this.config = config;
    this.modelIndexEntry = ['diffusers', className];
    this.#configJson = configJson;
    checkWeights(`build ${className}`, { shapes }, stateDict);
    this.parameters = new Map(
      [...stateDict].map(
        ([name, tensor]) => [name, variableFrom(tensor, !buffers.includes(name))] as const,
      ),
    );
    this.adapters = new LoraAdapters(layers);
  }

  /** Throws when inputs do not fit; the message names the input. */
  protected abstract checkInputs(inputs: Inputs): void;

  /** Multiplies the scale of all adapters. */
  protected abstract loraScale(inputs: Inputs): number;

  /** The forward pass; `runBlock` runs each of its blocks. */
  protected abstract predict(inputs: Inputs, weights: ModelWeights, runBlock: RunBlock): Sample;

  /**
   * Predicts the velocity (noise - data).
   *
   * @returns `{ sample }`, or `[sample]` with `return_dict: false`.
   * @throws When inputs do not fit; the message names the input.
   */
  forward(inputs: Inputs & { return_dict: false }): [Sample];
  forward(inputs: Inputs & { return_dict?: true }): { sample: Sample };
  forward(inputs: Inputs): [Sample] | { sample: Sample };
  forward(inputs: Inputs): [Sample] | { sample: Sample } {
    this.checkInputs(inputs);
    const weights = new ModelWeights(this.parameters, this.adapters, this.loraScale(inputs));
    const runBlock = this.#isCheckpointing ? runBlockAgain : runBlockOnce;
    const sample = tf.tidy(() => this.predict(inputs, weights, runBlock));
    return (inputs.return_dict ?? true) ? { sample } : [sample];
  }

  /** The type that products are computed in, and matrices are held in. */
  get dtype(): ModelDtype {
    return typeOfTensors(this.parameters.values());
  }

  /** Whether gradients run each block a second time instead of keeping what it computes. */
  get isGradientCheckpointing(): boolean {
    return this.#isCheckpointing;
  }

  /**
   * Keeps of each block its inputs alone, and runs it again for its gradient: a forward pass more, and far less memory
   * where blocks are many. Gradients stay what they are.
   *
   * @example
   * const { transformer } = pipeline;
   * transformer.enableGradientCheckpointing();
   * transformer.isGradientCheckpointing; // true
   * transformer.disableGradientCheckpointing();
   */
  enableGradientCheckpointing(): void {
    this.#isCheckpointing = true;
  }

  /** Keeps for gradients all that a forward pass computes. */
  disableGradientCheckpointing(): void {
    this.#isCheckpointing = false;
  }

  /**
   * What training changes: the active adapters' A and B, or all parameters when there is no adapter. Merged adapters are not
   * active: where there is no other one, nothing is trained.
   */
  trainableVariables(): Map<string, tf.Variable> {
    if (this.adapters.names().length > 0) return this.adapters.variables();
    return new Map([...this.parameters].filter(([, { trainable }]) => trainable));
  }

  /** Adds adapters that at first change nothing (B is zero). */
  addLora(all: AddLoraOptions): void {
    checkOptions('add LoRA', all, ADD_LORA_RULES);
    const {
      targetModules = 'all-linear',
      excludeModules,
      adapterName = 'default',
      ...options
    } = all;
    const layers = [...this.adapters.layers.keys()];
    const paths = selectLoraTargets(layers, targetModules, {
      excludeModules,
      others: this.#otherModules(),
    });
    this.adapters.create(adapterName, paths, options);
  }

  /**
   * Chooses the adapters that take part.
   *
   * @param weights What the scale of each is multiplied by from now on. Default: what it was, at first 1.
   * @throws When a name is unknown, weights are no numbers, one a name, or adapters are merged.
   */
  setAdapters(names: string | readonly string[], weights?: number | readonly number[]): void {
    this.#requireUnmerged('choose adapters');
    this.adapters.setActive([names].flat(), weights === undefined ? weights : [weights].flat());
  }

  /**
   * Loads adapters in diffusers' or PEFT's form.
   *
   * @param path The file or its folder.
   * @throws When the name is taken, the file is no plain LoRA, or a layer does not fit.
   */
  loadLora(path: string, options: { adapterName?: string } = {}): void {
    checkOptions('load LoRA', options, { adapterName: TEXT });
    const { adapterName = 'default' } = options;
    const weights = readLoraFile(path, { layers: this.adapters.layers.keys() });
    try {
      this.adapters.adopt(adapterName, weights);
    } catch (error) {
      for (const { A, B } of weights.values()) [A, B].forEach((tensor) => tensor.dispose());
      throw error;
    }
  }

  /** Writes adapters, for diffusers' `load_lora_weights` or, with `format: 'peft'`, for PEFT. */
  saveLora(folder: string, all: SaveLoraOptions = {}): void {
    checkOptions('save LoRA', all, SAVE_LORA_RULES);
    const { adapterName = 'default', ...options } = all;
    const layers = [...this.adapters.get(adapterName)].map(
      ([path, { A, B, rank, alpha }]) =>
        [
          path,
          { A: A as tf.Tensor as tf.Tensor2D, B: B as tf.Tensor as tf.Tensor2D, rank, alpha },
        ] as const,
    );
    writeLoraFile(folder, new Map(layers), options);
  }

  /** Leaves adapters out of the forward pass, those too that are added later. @throws While some are merged. */
  disableLora(): void {
    this.#requireUnmerged('leave adapters out');
    this.adapters.enabled = false;
  }

  /** Takes adapters into the forward pass again. */
  enableLora(): void {
    this.adapters.enabled = true;
  }

  /**
   * Adds the active adapters to the weights, which hold them from then on: same predictions, nothing to add at run time.
   * Adapters that are added later are trained on top; the reference of such a training is the merged model. A merged
   * adapter that is removed stays in the weights.
   *
   * @throws When some are merged already.
   * @example
   * const { transformer } = pipeline;
   * transformer.addLora({ rank: 2, key: RandomKey.fromSeed(0) });
   * transformer.mergeLora();
   * transformer.adapters.active; // []
   * transformer.adapters.merged; // ['default']
   * transformer.unmergeLora();
   * transformer.adapters.active; // ['default']
   */
  mergeLora(): void {
    if (this.#unmerged.size > 0) {
      throw new Error(
        'Cannot merge adapters as they must not be merged yet: call unmergeLora() first',
      );
    }
    for (const path of this.adapters.layers.keys()) {
      if (this.adapters.activeAt(path).length === 0) continue;
      const name = `${path}.weight`;
      const variable = this.parameters.get(name) as tf.Variable;
      this.#unmerged.set(name, variable.clone());
      tf.tidy(() => {
        const weight = toFloat32(variable as tf.Tensor as tf.Tensor2D);
        const merged = this.adapters.merge(path, weight);
        variable.assign(isBfloat16(variable) ? toBfloat16(merged) : merged);
      });
    }
    this.adapters.markMerged();
  }

  /** Takes `mergeLora` back: weights to the last bit, and the adapters take part again. */
  unmergeLora(): void {
    for (const [name, weight] of this.#unmerged) this.parameters.get(name)?.assign(weight);
    this.#disposeUnmerged();
    this.adapters.unmarkMerged();
  }

  /**
   * Writes config.json and the weights as diffusers does, in the model's own type unless `dtype` names another; adapters are
   * left out unless merged: see `saveLora`.
   *
   * @param folder For example `<model>/transformer`.
   */
  savePretrained(folder: string, options: SavePretrainedOptions = {}): void {
    const [, className] = this.modelIndexEntry;
    const about = { _class_name: className, _diffusers_version: DIFFUSERS_VERSION };
    const dtype = options.dtype ?? this.dtype;
    writeStateDict(folder, this.parameters, { ...options, dtype });
    writeJson(join(folder, 'config.json'), { ...about, ...this.#configJson });
  }

  /** Frees all parameters and adapters. */
  dispose(): void {
    for (const variable of this.parameters.values()) variable.dispose();
    this.#disposeUnmerged();
    this.adapters.dispose();
  }

  /** Norms, convolutions and embeddings, and what holds other modules. */
  #otherModules(): Set<string> {
    const modules = new Set<string>();
    for (const name of this.parameters.keys()) {
      for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
        modules.add(name.slice(0, end));
      }
    }
    for (const path of this.adapters.layers.keys()) modules.delete(path);
    return modules;
  }

  #requireUnmerged(action: string): void {
    const { merged } = this.adapters;
    if (merged.length === 0) return;
    throw new Error(
      `Cannot ${action} as none must be merged into the weights: merged are ${merged.join(', ')}; call unmergeLora() first`,
    );
  }

  #disposeUnmerged(): void {
    for (const tensor of this.#unmerged.values()) tensor.dispose();
    this.#unmerged.clear();
  }
}

function variableFrom(tensor: tf.Tensor, trainable: boolean): tf.Variable {
  const variable = tf.variable(tensor, trainable);
  tensor.dispose();
  return variable;
}
