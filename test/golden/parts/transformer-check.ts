import type { DiffusionTransformer } from '../../../sdk/src/models/diffusion-transformer';
import { CompiledModel } from '../../../sdk/src/pipelines/compiled-model';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { CaseResult, GoldenCase } from '../golden-case';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Transformer = DiffusionTransformer<any, any, any>;

/**
 * Checks a transformer's prediction, its loss, and the gradients to parameters (or adapters) and inputs, then the same but
 * for the inputs of the transformer as one graph; disposes it.
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
  const comparison = new Comparison();
  const inputs = differentiated.map(
    (name) => [name, tf.variable(goldenCase.tensor(name))] as const,
  );
  const compiled = new CompiledModel(model);
  const run = (title: string, forward: () => tf.Tensor, variables: Map<string, tf.Variable>) => {
    comparison.compare(`${title}output`, forward(), goldenCase.tensor('output'), json.tolerance);
    const { value, grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(tf.mul(forward(), goldenCase.tensor('loss_weight'))),
      [...variables.values()],
    );
    comparison.compare(`${title}loss`, value, goldenCase.tensor('loss'), json.tolerance);
    for (const [name, variable] of variables) {
      const expected = tensors.get(name);
      const actual = grads[variable.name];
      if (expected !== undefined && actual === undefined) comparison.fail(`${name} is missing`);
      if (expected === undefined || actual === undefined) continue;
      // The case's rule for gradients: 1e-3 of the tensor's largest value.
      const largest = tf.tidy(() => tf.max(tf.abs(expected)).dataSync()[0]);
      const atol = Math.max(json.tolerance.rtol * largest, 1e-12);
      comparison.compare(`${title}${name}`, actual, expected, { atol, rtol: 0 });
    }
    for (const name of json.params_without_grad as string[]) {
      const variable = variables.get(`grad.${name}`);
      if (variable === undefined) comparison.fail(`${title}${name} is missing`);
      else if (grads[variable.name] !== undefined) comparison.fail(`${name} has a gradient`);
    }
  };
  try {
    if (json.lora !== null) model.loadLora(goldenCase.path(json.lora));
    const all = { ...Object.fromEntries(inputs), ...others, return_dict: false as const };
    const parameters = [...model.trainableVariables()].map(
      ([name, variable]) => [`grad.${name}`, variable] as const,
    );
    const named = new Map<string, tf.Variable>([
      ...parameters,
      ...inputs.map(([name, variable]) => [`grad_input.${name}`, variable] as const),
    ]);
    for (const name of tensors.keys()) {
      if (/^grad(_input)?\./.test(name) && !named.has(name)) comparison.fail(`${name} is missing`);
    }
    run('', () => model.forward(all)[0], named);
    const trained = new Map(parameters.filter(([name]) => tensors.has(name)));
    const ofGraph = (): tf.Tensor => compiled.forward(all)[0];
    if (trained.size > 0) run('compiled ', ofGraph, new Map(parameters));
    else
      comparison.compare('compiled output', ofGraph(), goldenCase.tensor('output'), json.tolerance);
    return comparison.result();
  } finally {
    compiled.dispose();
    inputs.forEach(([, variable]) => variable.dispose());
    model.dispose();
  }
}
