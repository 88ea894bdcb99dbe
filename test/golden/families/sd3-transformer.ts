import { SD3Transformer2DModel } from '../../../sdk/src/models/stable-diffusion-3/transformer';
import type { FamilyCheck } from '../golden-case';
import { checkTransformer } from '../parts/transformer-check';

/** Prediction, loss, and gradients to parameters (or adapters) and inputs. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const model = SD3Transformer2DModel.fromPretrained(goldenCase.path(json.model));
  const inputs = ['hidden_states', 'encoder_hidden_states', 'pooled_projections'];
  return checkTransformer(goldenCase, model, inputs, {
    timestep: goldenCase.tensor('timestep'),
    skip_layers: json.skip_layers,
    joint_attention_kwargs: json.joint_attention_kwargs,
  });
};
