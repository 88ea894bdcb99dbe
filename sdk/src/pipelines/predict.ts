import type { tf } from '../tensorflow';
import type { ModelInputs, ModelMixin } from './model-mixin';

/** A model's prediction, in whichever form it returns it. */
export function predict(module: ModelMixin, inputs: ModelInputs): tf.Tensor {
  const result = module.forward(inputs);
  return 'sample' in result ? result.sample : result[0];
}
