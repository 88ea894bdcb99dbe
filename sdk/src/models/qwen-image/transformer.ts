import { join } from 'node:path';
import type { RandomKey } from '../../core/random-key';
import { readLoraFile, writeLoraFile } from '../../io/lora-file';
import { readComponentConfig, resolveComponentPath } from '../../io/model-directory';
import { readStateDict, writeStateDict, type WriteStateDictOptions } from '../../io/state-dict';
import { writeAtomically } from '../../io/write-atomically';
import { tf } from '../../tensorflow';
import { LoraAdapters } from '../lora-adapters';
import { selectLoraTargets, type LoraTargets } from '../lora-targets';
import { ModelWeights } from '../model-weights';
import { parseTransformerConfig, type QwenImageTransformerConfig } from './transformer-config';
import { transformerForward } from './transformer-forward';
import { checkTransformerInputs, type QwenImageTransformerInputs } from './transformer-inputs';
import { linearLayers, parameterShapes } from './transformer-parameters';

/** The adapters of `addLora`. */
export interface AddLoraOptions {
  /** Rank of B A. */
  rank: number;
  /** The adapters' scale is alpha / rank. Default: rank. */
  alpha?: number;
  /** `'all-linear'`, ends of module paths such as `to_q`, or a regular expression. Default `'all-linear'`. */
  targetModules?: LoraTargets;
  /** What the random start of A depends on. */
  key: RandomKey;
  /** Default `default`. */
  adapterName?: string;
}

/**
 * Qwen-Image's denoising transformer, with the names and the mathematics of diffusers' QwenImageTransformer2DModel.
 *
 * Parameters are variables in checkpoint layout under their checkpoint names. Forward passes differentiate with
 * `tf.variableGrads`. Dispose the model when done.
 *
 * @example
 * const transformer = QwenImageTransformer2DModel.fromPretrained('datasets/tiny-qwen-image');
 * transformer.addLora({ rank: 4, key: RandomKey.fromSeed(0) });
 * transformer.trainableVariables().size; // A and B of every linear layer
 * transformer.dispose();
 */
export class QwenImageTransformer2DModel {
  readonly config: QwenImageTransformerConfig;
  /** By checkpoint name, in checkpoint layout: linear weights are (out, in). */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Low-rank adapters. */
  readonly adapters: LoraAdapters;
  readonly #configJson: Record<string, unknown>;
  /** Weights as they were before `mergeLora`. */
  readonly #unmerged = new Map<string, tf.Tensor>();

  /**
   * @param config Settings by diffusers' names; missing ones have diffusers' defaults.
   * @param stateDict Every parameter by its checkpoint name; the tensors are taken over.
   * @throws When a setting is unknown, or a parameter is missing, unknown or of another shape.
   */
  constructor(config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) {
    this.config = parseTransformerConfig(config);
    this.#configJson = config;
    const shapes = parameterShapes(this.config);
    checkStateDict(shapes, stateDict);
    this.parameters = new Map(
      [...stateDict].map(([name, tensor]) => [name, variableFrom(tensor)] as const),
    );
    this.adapters = new LoraAdapters(linearLayers(this.config));
  }

  /**
   * Loads a checkpoint: float32, float16 or bfloat16, in one file or sharded. Weights become float32.
   *
   * @param path The model's folder or its `transformer` folder.
   */
  static fromPretrained(path: string): QwenImageTransformer2DModel {
    const folder = resolveComponentPath(path, 'transformer');
    const stateDict = readStateDict(folder);
    try {
      return new QwenImageTransformer2DModel(readComponentConfig(folder), stateDict);
    } catch (error) {
      for (const tensor of stateDict.values()) tensor.dispose();
      throw error;
    }
  }

  /**
   * Predicts the velocity (noise - data) of packed latents.
   *
   * @returns `{ sample }`, or `[sample]` with `return_dict: false`; sample is (B, S, patch_size^2 out_channels).
   * @throws When inputs do not fit; the message names the input.
   */
  forward(inputs: QwenImageTransformerInputs & { return_dict: false }): [tf.Tensor3D];
  forward(inputs: QwenImageTransformerInputs & { return_dict?: true }): { sample: tf.Tensor3D };
  forward(inputs: QwenImageTransformerInputs): [tf.Tensor3D] | { sample: tf.Tensor3D };
  forward(inputs: QwenImageTransformerInputs): [tf.Tensor3D] | { sample: tf.Tensor3D } {
    checkTransformerInputs(inputs, this.config);
    const weights = new ModelWeights(
      this.parameters,
      this.adapters,
      inputs.attention_kwargs?.scale ?? 1,
    );
    const sample = tf.tidy(() => transformerForward(inputs, this.config, weights));
    return (inputs.return_dict ?? true) ? { sample } : [sample];
  }

  /** What training changes: the active adapters' A and B, or all parameters when there is no adapter. */
  trainableVariables(): Map<string, tf.Variable> {
    return this.adapters.names().length > 0 ? this.adapters.variables() : new Map(this.parameters);
  }

  /** Adds adapters that at first change nothing (B is zero). */
  addLora({
    rank,
    alpha,
    key,
    targetModules = 'all-linear',
    adapterName = 'default',
  }: AddLoraOptions): void {
    const paths = selectLoraTargets([...this.adapters.layers.keys()], targetModules);
    this.adapters.create(adapterName, paths, { rank, alpha, key });
  }

  /**
   * Loads adapters in diffusers' or PEFT's form.
   *
   * @param path The file or its folder.
   */
  loadLora(path: string, { adapterName = 'default' }: { adapterName?: string } = {}): void {
    const weights = readLoraFile(path);
    try {
      this.adapters.adopt(adapterName, weights);
    } catch (error) {
      for (const { A, B } of weights.values()) [A, B].forEach((tensor) => tensor.dispose());
      throw error;
    }
  }

  /** Writes adapters to `<folder>/pytorch_lora_weights.safetensors`, for diffusers' `load_lora_weights`. */
  saveLora(folder: string, { adapterName = 'default' }: { adapterName?: string } = {}): void {
    const layers = [...this.adapters.get(adapterName)].map(
      ([path, { A, B, rank, alpha }]) =>
        [
          path,
          { A: A as tf.Tensor as tf.Tensor2D, B: B as tf.Tensor as tf.Tensor2D, rank, alpha },
        ] as const,
    );
    writeLoraFile(folder, new Map(layers));
  }

  /** Leaves adapters out of the forward pass. */
  disableLora(): void {
    this.adapters.enabled = false;
  }

  /** Takes adapters into the forward pass again. */
  enableLora(): void {
    this.adapters.enabled = true;
  }

  /** Adds the active adapters to the weights and disables them: same predictions, nothing to add at run time. */
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
      tf.tidy(() =>
        variable.assign(this.adapters.apply(path, variable as tf.Tensor as tf.Tensor2D)),
      );
    }
    this.adapters.enabled = false;
  }

  /** Takes `mergeLora` back, to the last bit. */
  unmergeLora(): void {
    for (const [name, weight] of this.#unmerged) this.parameters.get(name)?.assign(weight);
    this.#disposeUnmerged();
    this.adapters.enabled = true;
  }

  /** Writes config.json and the weights as diffusers does; adapters are left out unless merged. */
  save(folder: string, options?: WriteStateDictOptions): void {
    const json = {
      _class_name: 'QwenImageTransformer2DModel',
      _diffusers_version: '0.42.1',
      ...this.#configJson,
    };
    const text = `${JSON.stringify(json, null, 2)}\n`;
    writeStateDict(folder, this.parameters, options);
    writeAtomically(join(folder, 'config.json'), (append) => append(Buffer.from(text)));
  }

  /** Frees all parameters and adapters. */
  dispose(): void {
    for (const variable of this.parameters.values()) variable.dispose();
    this.#disposeUnmerged();
    this.adapters.dispose();
  }

  #disposeUnmerged(): void {
    for (const tensor of this.#unmerged.values()) tensor.dispose();
    this.#unmerged.clear();
  }
}

function checkStateDict(
  shapes: ReadonlyMap<string, number[]>,
  stateDict: ReadonlyMap<string, tf.Tensor>,
): void {
  const problems = [
    ...[...shapes.keys()]
      .filter((name) => !stateDict.has(name))
      .map((name) => `${name} is missing`),
    ...[...stateDict.keys()]
      .filter((name) => !shapes.has(name))
      .map((name) => `${name} is unknown`),
    ...[...shapes].flatMap(([name, shape]) => {
      const found = stateDict.get(name)?.shape;
      return found === undefined || String(found) === String(shape)
        ? []
        : [`${name} has shape [${found}] instead of [${shape}]`];
    }),
  ];
  if (problems.length > 0) {
    const more = problems.length > 3 ? `, and ${problems.length - 3} more` : '';
    throw new Error(
      `Cannot build QwenImageTransformer2DModel as parameters must fit the configuration: ${problems.slice(0, 3).join('; ')}${more}`,
    );
  }
}

function variableFrom(tensor: tf.Tensor): tf.Variable {
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
}
