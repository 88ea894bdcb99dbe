import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { FamilyCheck, GoldenCase } from '../golden-case';

/** Prediction, loss, and gradients to parameters (or adapters) and inputs. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const model = QwenImageTransformer2DModel.fromPretrained(goldenCase.path(json.model));
  try {
    if (json.lora !== null) model.loadLora(goldenCase.path(json.lora));
    return compare(goldenCase, model);
  } finally {
    model.dispose();
  }
};

function compare(goldenCase: GoldenCase, model: QwenImageTransformer2DModel) {
  const { json, tensors } = goldenCase;
  const comparison = new Comparison();
  const inputs = ['hidden_states', 'encoder_hidden_states'].map((name) => {
    return [name, tf.variable(goldenCase.tensor(name))] as const;
  });
  const [hiddenStates, encoderHiddenStates] = inputs.map(([, variable]) => variable);
  const forward = () =>
    model.forward({
      hidden_states: hiddenStates as tf.Tensor as tf.Tensor3D,
      encoder_hidden_states: encoderHiddenStates as tf.Tensor as tf.Tensor3D,
      encoder_hidden_states_mask: tensors.get('encoder_hidden_states_mask') as tf.Tensor2D,
      timestep: goldenCase.tensor('timestep') as tf.Tensor1D,
      img_shapes: json.img_shapes,
      return_dict: false,
    })[0];
  comparison.compare('output', forward(), goldenCase.tensor('output'), json.tolerance);

  const parameters = model.trainableVariables();
  const variables = [...parameters.values(), ...inputs.map(([, variable]) => variable)];
  const { value, grads } = tf.variableGrads(
    () => tf.mean<tf.Scalar>(tf.mul(forward(), goldenCase.tensor('loss_weight'))),
    variables,
  );
  comparison.compare('loss', value, goldenCase.tensor('loss'), json.tolerance);
  const named = new Map<string, tf.Variable>([
    ...[...parameters].map(([name, variable]) => [`grad.${name}`, variable] as const),
    ...inputs.map(([name, variable]) => [`grad_input.${name}`, variable] as const),
  ]);
  for (const [name, variable] of named) {
    const expected = tensors.get(name);
    const actual = grads[variable.name];
    if (expected !== undefined && actual === undefined) comparison.fail(`${name} is missing`);
    if (expected === undefined || actual === undefined) continue;
    // The case's rule for gradients: 1e-3 of the tensor's largest value.
    const largest = tf.tidy(() => tf.max(tf.abs(expected)).dataSync()[0]);
    const atol = Math.max(json.tolerance.rtol * largest, 1e-12);
    comparison.compare(name, actual, expected, { atol, rtol: 0 });
  }
  for (const name of json.params_without_grad as string[]) {
    const variable = parameters.get(name) as tf.Variable;
    if (grads[variable.name] !== undefined) comparison.fail(`${name} has a gradient`);
  }
  inputs.forEach(([, variable]) => variable.dispose());
  return comparison.result();
}
