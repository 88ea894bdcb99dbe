import { showValue } from '../../core/show-value';
import { tf } from '../../tensorflow';
import { gelu, geluTanh, quickGelu, silu } from '../layers';

/** A function of each element. */
export type Activation = <X extends tf.Tensor>(x: X) => X;

/** By transformers' names. */
const ACTIVATIONS = new Map<unknown, Activation>([
  ['gelu', gelu],
  ['gelu_new', geluTanh],
  ['gelu_pytorch_tanh', geluTanh],
  ['quick_gelu', quickGelu],
  ['relu', (x) => tf.relu(x)],
  ['silu', silu],
  ['swish', silu],
]);

/** Finds an activation by the name that transformers has for it. Throws when there is none. */
export function activationNamed(className: string, name: unknown): Activation {
  const activation = ACTIVATIONS.get(name);
  if (activation === undefined) {
    throw new Error(
      `Cannot make a ${className} as its activation must be one of ${[...ACTIVATIONS.keys()].join(', ')}: current value is ${showValue(name)}`,
    );
  }
  return activation;
}
