import { tf } from '../../../sdk/src/tensorflow';
import type { Comparison } from '../comparison';
import type { GoldenCase } from '../golden-case';

/** Gradients may differ by this share of a tensor's largest element. */
const GRADIENT_SHARE = 1e-2;
/** What counts as no gradient at all. */
const ZERO = 1e-9;
/** Parameters after an update: this close in the bulk of all elements. */
const PARAMETER_ATOL = 2e-5;
const OUTLIERS = 0.01;

/** The tensors of a case whose names begin with `prefix`, by the rest of their names. */
export function tensorsUnder(prefix: string, { tensors }: GoldenCase): Record<string, tf.Tensor> {
  const named = [...tensors].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(named.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Compares gradients with recorded ones, and checks which parameters have none. */
export function compareGradients(
  comparison: Comparison,
  gradients: ReadonlyMap<string, tf.Tensor>,
  recorded: Record<string, tf.Tensor>,
  without: readonly string[] = [],
): void {
  const unexpected = without.filter((name) => gradients.has(name));
  comparison.equal('gradients of parameters without one', unexpected, []);
  for (const [name, expected] of Object.entries(recorded)) {
    const actual = gradients.get(name);
    const largest = tf.max(tf.abs(expected)).dataSync()[0];
    if (actual === undefined) comparison.fail(`grad.${name} is missing`);
    else {
      const atol = Math.max(GRADIENT_SHARE * largest, ZERO);
      comparison.compare(`grad.${name}`, actual, expected, { atol, rtol: 0 });
    }
  }
}

/**
 * Compares parameters after updates: the bulk tightly, and every one within what AdamW may move where a
 * gradient is as good as zero.
 */
export function compareParameters(
  comparison: Comparison,
  variables: ReadonlyMap<string, tf.Variable>,
  recorded: Record<string, tf.Tensor>,
  { lr }: { lr: number },
): void {
  let [outside, total] = [0, 0];
  for (const [name, expected] of Object.entries(recorded)) {
    const variable = variables.get(name);
    if (variable === undefined) {
      comparison.fail(`parameter ${name} is missing`);
      continue;
    }
    const [a, b] = [variable.dataSync(), expected.dataSync()];
    total += b.length;
    b.forEach((value, at) => {
      if (!(Math.abs(value - a[at]) <= PARAMETER_ATOL)) outside++;
    });
    comparison.compare(`parameter ${name}`, variable, expected, { atol: 2.1 * lr, rtol: 0 });
  }
  if (outside > OUTLIERS * total) {
    comparison.fail(`parameters differ in ${outside} of ${total} elements`);
  }
}
