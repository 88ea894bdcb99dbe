import { AdamW } from '../../../sdk/src/training/adamw';
import { clipGradients } from '../../../sdk/src/training/clip-gradients';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

export const check: FamilyCheck = async ({ json, tensor, tensors }) => {
  const comparison = new Comparison();
  const names = [...tensors.keys()].flatMap((key) => /^(.*)\.init$/.exec(key)?.[1] ?? []);
  const parameters = new Map(names.map((name) => [name, tf.variable(tensor(`${name}.init`))]));
  const optimizer = new AdamW(parameters, {
    lr: json.lr,
    betas: json.betas,
    eps: json.eps,
    weightDecay: json.weight_decay,
  });
  for (let step = 0; step < json.n_steps; step++) {
    const raw = new Map(names.map((name) => [name, tensor(`${name}.grad${step}`)]));
    const { gradients, norm } = clipGradients(raw, json.max_norm);
    comparison.compare(`norm ${step}`, norm, [json.grad_norms[step]], json.tolerance);
    optimizer.step(gradients);
    for (const [name, gradient] of gradients) {
      const [clipped, after] = [`${name}.clipped${step}`, `${name}.after${step}`];
      comparison.compare(clipped, gradient, tensor(clipped), json.tolerance);
      comparison.compare(after, parameters.get(name) as tf.Variable, tensor(after), json.tolerance);
    }
  }
  optimizer.dispose();
  for (const parameter of parameters.values()) parameter.dispose();
  return comparison.result();
};
