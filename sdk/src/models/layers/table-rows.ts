import { isBfloat16, nativeBackend, tf, toFloat32, type NativeBackend } from '../../tensorflow';

const [INTEGER, TYPE] = [1, 4];
/** GatherV2 from bfloat16 by int32. */
const ATTRIBUTES = [
  { name: 'batch_dims', type: INTEGER, value: 0 },
  { name: 'Tparams', type: TYPE, value: 14 },
  { name: 'Tindices', type: TYPE, value: 3 },
  { name: 'Taxis', type: TYPE, value: 3 },
];

/**
 * Rows of a table, such as embeddings of tokens. Of a table in bfloat16 only these rows are widened.
 *
 * @param table (N, C)
 * @param ids (...) int32
 * @returns (..., C) float32
 *
 * @example
 * tableRows(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor1d([1], 'int32')); // [[3, 4]]
 */
export function tableRows<Rows extends tf.Tensor>(table: tf.Tensor2D, ids: tf.Tensor): Rows {
  if (!isBfloat16(table)) return tf.gather(table, ids) as Rows;
  const backend = nativeBackend() as NativeBackend;
  return tf.tidy(() => {
    const inputs = [table, ids, tf.scalar(0, 'int32')];
    return toFloat32(backend.executeSingleOutput('GatherV2', ATTRIBUTES, inputs) as Rows);
  });
}
