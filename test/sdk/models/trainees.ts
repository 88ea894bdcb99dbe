import { RandomKey, tf } from '@flowbook/sdk';
import * as sd3 from './stable-diffusion-3/tiny-transformer';
import * as qwen from './tiny-transformer';

const models = {
  'Qwen-Image': (num_layers: number) => ({
    model: qwen.tinyTransformer({ num_layers }),
    inputs: qwen.tinyInputs(),
  }),
  'Qwen-Image with conditions': (num_layers: number) => ({
    model: qwen.tinyTransformer({ num_layers, zero_cond_t: true }),
    inputs: {
      ...qwen.tinyInputs(),
      img_shapes: [0, 1].map(() => [
        [1, 2, 2],
        [1, 1, 2],
      ]),
    },
  }),
  'Stable Diffusion 3': (num_layers: number) => ({
    model: sd3.tinyTransformer({ num_layers }),
    inputs: sd3.tinyInputs(),
  }),
  'Stable Diffusion 3.5': (num_layers: number) => ({
    model: sd3.tinyTransformer({ ...sd3.VERSION_3_5, num_layers }),
    inputs: sd3.tinyInputs(),
  }),
};

/** Every kind of transformer. */
export const TRAINEES = Object.keys(models) as (keyof typeof models)[];

/** One kind of model with adapters or without; what it predicts, and what training changes. */
export function trainee(
  name: keyof typeof models,
  { withLora, layers }: { withLora: boolean; layers: number },
) {
  const { model, inputs } = models[name](layers);
  if (withLora) {
    model.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    for (const [path, variable] of model.trainableVariables()) {
      if (path.includes('lora_B')) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.05)));
    }
  }
  const predict = () => (model.forward as (inputs: object) => [tf.Tensor])(inputs)[0];
  const variables = [...model.trainableVariables().values()];
  return { model, predict, variables };
}

/** Of the mean square of what is predicted, by the variables' names. */
export function gradientsOf(
  predict: () => tf.Tensor,
  variables: tf.Variable[],
): Record<string, tf.Tensor> {
  return tf.variableGrads(() => tf.mean(tf.square(predict())) as tf.Scalar, variables).grads;
}
