import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import type { FamilyCheck } from '../golden-case';
import { checkTransformer } from '../parts/transformer-check';

/** Prediction, loss, and gradients to parameters (or adapters) and inputs. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json, tensors } = goldenCase;
  const model = QwenImageTransformer2DModel.fromPretrained(goldenCase.path(json.model));
  return checkTransformer(goldenCase, model, ['hidden_states', 'encoder_hidden_states'], {
    encoder_hidden_states_mask: tensors.get('encoder_hidden_states_mask'),
    timestep: goldenCase.tensor('timestep'),
    img_shapes: json.img_shapes,
    additional_t_cond: tensors.get('additional_t_cond'),
    attention_kwargs: json.attention_kwargs,
  });
};
