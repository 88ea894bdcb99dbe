import { AdamW, clipGradients, tf } from '@flowbook/sdk';
import { addGradients } from '../../../sdk/src/training/add-gradients';
import type { Comparison, Tolerance } from '../comparison';
import type { Description, GoldenCase } from '../golden-case';
import { compareGradients, compareParameters, tensorsUnder } from './training-check';

/** A gradient with its loss and metrics. */
export interface ObjectiveGradients {
  gradients: Map<string, tf.Tensor>;
  loss: number;
  metrics: Record<string, number>;
  dispose(): void;
}

/** How a case is trained. */
export interface UpdatesCheck {
  variables: ReadonlyMap<string, tf.Variable>;
  tolerance: { loss: Tolerance; norm: Tolerance };
  /** The gradient that a line of the log recorded. */
  gradientsOf(line: Description): Promise<ObjectiveGradients>;
  /** Called after each update, from 1. */
  afterUpdate?(update: number): void;
}

/** Losses, metrics and gradients of each update, and the trained weights after those that were recorded. */
export async function checkUpdates(
  comparison: Comparison,
  goldenCase: GoldenCase,
  { variables, tolerance, gradientsOf, afterUpdate }: UpdatesCheck,
): Promise<void> {
  const { json } = goldenCase;
  const { lr, betas, eps, weight_decay, max_grad_norm } = json.optimizer as Description;
  const optimizer = new AdamW(variables, { lr, betas, eps, weightDecay: weight_decay });
  for (const { optimizer_step, grad_norm, losses } of json.log as Description[]) {
    const sums = new Map<string, tf.Tensor>();
    for (const line of losses as Description[]) {
      const { loss, metrics, ...place } = line;
      const part = await gradientsOf(line);
      const name = `update ${optimizer_step} ${JSON.stringify(place)}`;
      comparison.compare(`${name} loss`, part.loss, loss, tolerance.loss);
      for (const [key, value] of Object.entries<number>(metrics)) {
        comparison.compare(`${name} ${key}`, part.metrics[key], value, tolerance.loss);
      }
      addGradients(sums, part.gradients, 1 / losses.length);
      part.dispose();
    }
    const { gradients, norm } = clipGradients(sums, max_grad_norm);
    comparison.compare(`update ${optimizer_step} norm`, norm, grad_norm, tolerance.norm);
    if (optimizer_step === 1) {
      const recorded = tensorsUnder('grad.', goldenCase);
      compareGradients(comparison, sums, recorded, json.params_without_grad);
    }
    optimizer.step(gradients);
    tf.dispose([...sums.values(), ...gradients.values()]);
    const recorded = tensorsUnder(`param_step${optimizer_step}.`, goldenCase);
    compareParameters(comparison, variables, recorded, { lr });
    afterUpdate?.(optimizer_step);
  }
  optimizer.dispose();
}
