import type { DiffusionTransformer } from '../../../sdk/src/models/diffusion-transformer';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { CaseResult, GoldenCase } from '../golden-case';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Transformer = DiffusionTransformer<any, any, any>;

/**
 * Checks a transformer's prediction, its loss, and the gradients to parameters (or adapters) and inputs; disposes it.
 *
 * @param differentiated Names of the inputs that have gradients.
 * @param others The inputs without.
 */
export function checkTransformer(
  goldenCase: GoldenCase,
  model: Transformer,
  differentiated: readonly string[],
  others: object,
): CaseResult {
  const { json, tensors } = goldenCase;
  const inputs = differentiated.map(
    (name) => [name, tf.variable(goldenCase.tensor(name))] as const,
  );
  try {
    if (json.lora !== null) model.loadLora(goldenCase.path(json.lora));
    const comparison = new Comparison();
    const forward = (): tf.Tensor =>
      model.forward({ ...Object.fromEntries(inputs), ...others, return_dict: false })[0];
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
    for (const name of tensors.keys()) {
      if (/^grad(_input)?\./.test(name) && !named.has(name)) comparison.fail(`${name} is missing`);
    }
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
    return comparison.result();
  } finally {
    inputs.forEach(([, variable]) => variable.dispose());
    model.dispose();
  }
}
