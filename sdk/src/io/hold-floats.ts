import { tf, toBfloat16, toFloat32 } from '../tensorflow';

/** How the floats of a file are held: as float32, as bfloat16, or as float32 that is rounded to bfloat16. */
export type FloatHolding = 'float32' | 'bfloat16' | 'rounded';

/** What becomes of a tensor's floats, by its shape. */
export type HoldFloats = (shape: readonly number[]) => FloatHolding;

/** A tensor in its place, held as asked for; of whole numbers and truth values itself. */
export function holdFloats(tensor: tf.Tensor, holding: FloatHolding): tf.Tensor {
  if (tensor.dtype !== 'float32' || holding === 'float32') return tensor;
  const held = tf.tidy(() => {
    const halves = toBfloat16(tensor);
    return holding === 'bfloat16' ? halves : toFloat32(halves);
  });
  tensor.dispose();
  return held;
}
