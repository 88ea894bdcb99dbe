import type { tf } from '../../tensorflow';
import { DiffusionTransformer } from '../diffusion-transformer';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import type { ModelWeights } from '../model-weights';
import type { RunBlock } from '../run-block';
import { parseTransformerConfig, type QwenImageTransformerConfig } from './transformer-config';
import { transformerForward } from './transformer-forward';
import { checkTransformerInputs, type QwenImageTransformerInputs } from './transformer-inputs';
import { linearLayers, parameterShapes } from './transformer-parameters';

/**
 * Qwen-Image's denoising transformer, with the names and the mathematics of diffusers' QwenImageTransformer2DModel.
 *
 * Parameters are variables in checkpoint layout under their checkpoint names. Forward passes differentiate with
 * `tf.variableGrads`. Dispose the model when done.
 *
 * @example
 * const transformer = QwenImageTransformer2DModel.fromPretrained('datasets/tiny-qwen-image');
 * transformer.addLora({ rank: 4, key: RandomKey.fromSeed(0) });
 * transformer.trainableVariables().size === 2 * transformer.adapters.layers.size; // true // A and B of every layer
 * transformer.dispose();
 */
export class QwenImageTransformer2DModel extends DiffusionTransformer<
  QwenImageTransformerConfig,
  QwenImageTransformerInputs,
  tf.Tensor3D
> {
  /**
   * @param config Settings by diffusers' names; missing ones have diffusers' defaults.
   * @param stateDict Every parameter by its checkpoint name; the tensors are taken over.
   * @throws When a setting is unknown, or a parameter is missing, unknown or of another shape.
   */
  constructor(config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) {
    const settings = parseTransformerConfig(config);
    const definition = {
      className: 'QwenImageTransformer2DModel',
      config: settings,
      shapes: parameterShapes(settings),
      layers: linearLayers(settings),
    };
    super(definition, config, stateDict);
  }

  /**
   * Loads a checkpoint: float32, float16 or bfloat16, in one file or sharded. Weights become float32,
   * or with `dtype: 'bfloat16'` are held in bfloat16.
   *
   * @param path The model's folder or its `transformer` folder.
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(
    path: string,
    options?: FromPretrainedOptions,
  ): QwenImageTransformer2DModel {
    return loadComponent(
      path,
      'transformer',
      {
        className: 'QwenImageTransformer2DModel',
        expected: (config) => ({ shapes: parameterShapes(parseTransformerConfig(config)) }),
        build: (config, stateDict) => new QwenImageTransformer2DModel(config, stateDict),
      },
      options,
    );
  }

  protected override checkInputs(inputs: QwenImageTransformerInputs): void {
    checkTransformerInputs(inputs, this.config);
  }

  protected override loraScale({ attention_kwargs }: QwenImageTransformerInputs): number {
    return attention_kwargs?.scale ?? 1;
  }

  /** Of packed latents: the sample is (B, S, patch_size^2 out_channels). */
  protected override predict(
    inputs: QwenImageTransformerInputs,
    weights: ModelWeights,
    runBlock: RunBlock,
  ): tf.Tensor3D {
    return transformerForward(inputs, this.config, weights, runBlock);
  }
}
