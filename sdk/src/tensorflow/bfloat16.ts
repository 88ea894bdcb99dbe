import { nativeBackend, type NativeBackend, type tf } from './backend';
import { BFLOAT16, castTo, FLOAT32, holdsBfloat16 } from './bfloat16-handles';

/**
 * Whether a tensor's values lie in memory as bfloat16, at 16 bits each.
 *
 * @param x Any shape.
 *
 * @example
 * isBfloat16(tf.scalar(1)); // false
 */
export function isBfloat16(x: tf.Tensor): boolean {
  const backend = nativeBackend();
  return backend !== null && holdsBfloat16(backend, x.dataId);
}

/**
 * Rounds to bfloat16, to nearest, ties to even. The result may be the argument of this library's layers; tfjs's operations
 * refuse it. `tf.memory()` counts four bytes a value; it takes two. No gradient.
 *
 * @throws Without the native library, which alone has the type.
 * @example
 * const halves = toBfloat16(tf.tensor1d([1, 1.00390625]));
 * isBfloat16(halves); // true
 * halves; // [1, 1]
 */
export function toBfloat16<X extends tf.Tensor>(x: X): X {
  const backend = nativeBackend();
  if (backend === null) {
    throw new Error(
      'Cannot round to bfloat16 as the native TensorFlow library must be there, which alone has the type: run "npx flowbook setup"',
    );
  }
  if (isBfloat16(x)) return x.clone() as X;
  return backend.executeSingleOutput('Cast', castTo(BFLOAT16, FLOAT32), [x]) as X;
}

/**
 * Widens bfloat16 to float32, exactly, without a gradient; float32 is passed on as it is.
 *
 * @param x Any shape.
 *
 * @example
 * toFloat32(toBfloat16(tf.tensor1d([1, 1.00390625]))); // [1, 1]
 */
export function toFloat32<X extends tf.Tensor>(x: X): X {
  if (!isBfloat16(x)) return x;
  const backend = nativeBackend() as NativeBackend;
  return backend.executeSingleOutput('Cast', castTo(FLOAT32, BFLOAT16), [x]) as X;
}
