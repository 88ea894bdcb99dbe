import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import type { FamilyCheck } from '../golden-case';
import { checkTransformer } from '../parts/transformer-check';

/** Prediction, loss, and gradients to parameters (or adapters) and inputs. */
export const check: FamilyCheck = async (goldenCase) => {
  const model = QwenImageTransformer2DModel.fromPretrained(goldenCase.path(goldenCase.json.model));
  return checkTransformer(goldenCase, model, ['hidden_states', 'encoder_hidden_states'], {
    encoder_hidden_states_mask: goldenCase.tensors.get('encoder_hidden_states_mask'),
    timestep: goldenCase.tensor('timestep'),
    img_shapes: goldenCase.json.img_shapes,
  });
};
