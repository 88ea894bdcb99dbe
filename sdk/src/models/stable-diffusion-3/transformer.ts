import type { tf } from '../../tensorflow';
import { DiffusionTransformer } from '../diffusion-transformer';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import type { ModelWeights } from '../model-weights';
import type { RunBlock } from '../run-block';
import {
  CLASS_NAME,
  parseTransformerConfig,
  type SD3TransformerConfig,
} from './transformer-config';
import { transformerForward } from './transformer-forward';
import { checkTransformerInputs, type SD3TransformerInputs } from './transformer-inputs';
import { linearLayers, parameterShapes, POSITIONS } from './transformer-parameters';

/**
 * The denoising transformer of Stable Diffusion 3 and 3.5, with the names and the mathematics of diffusers'
 * SD3Transformer2DModel.
 *
 * Parameters are variables in checkpoint layout under their checkpoint names. Forward passes differentiate with
 * `tf.variableGrads`. Dispose the model when done.
 *
 * @example
 * const transformer = SD3Transformer2DModel.fromPretrained('test/golden/models/tiny-sd3');
 * const [velocity] = transformer.forward({
 *   hidden_states: tf.randomNormal([1, 4, 8, 8]),
 *   timestep: tf.tensor1d([500]),
 *   encoder_hidden_states: tf.randomNormal([1, 6, 48]),
 *   pooled_projections: tf.randomNormal([1, 40]),
 *   return_dict: false,
 * });
 * velocity.shape; // [1, 4, 8, 8]
 * transformer.dispose();
 */
export class SD3Transformer2DModel extends DiffusionTransformer<
  SD3TransformerConfig,
  SD3TransformerInputs,
  tf.Tensor4D
> {
  /**
   * @param config Settings by diffusers' names; missing ones have diffusers' defaults.
   * @param stateDict Every parameter by its checkpoint name; the tensors are taken over.
   * @throws When a setting is unknown, or a parameter is missing, unknown or of another shape.
   */
  constructor(config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) {
    const settings = parseTransformerConfig(config);
    const definition = {
      className: CLASS_NAME,
      config: settings,
      shapes: parameterShapes(settings),
      layers: linearLayers(settings),
      buffers: [POSITIONS],
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
  static fromPretrained(path: string, options?: FromPretrainedOptions): SD3Transformer2DModel {
    return loadComponent(
      path,
      'transformer',
      {
        className: CLASS_NAME,
        expected: (config) => ({ shapes: parameterShapes(parseTransformerConfig(config)) }),
        build: (config, stateDict) => new SD3Transformer2DModel(config, stateDict),
      },
      options,
    );
  }

  protected override checkInputs(inputs: SD3TransformerInputs): void {
    checkTransformerInputs(inputs, this.config);
  }

  protected override loraScale({ joint_attention_kwargs }: SD3TransformerInputs): number {
    return joint_attention_kwargs?.scale ?? 1;
  }

  protected override predict(
    inputs: SD3TransformerInputs,
    weights: ModelWeights,
    runBlock: RunBlock,
  ): tf.Tensor4D {
    return transformerForward(inputs, this.config, weights, runBlock);
  }
}
