import { readFileSync } from 'node:fs';
import { tf } from '../../sdk/src/tensorflow';

interface TensorInfo {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Reads the float32 and int32 tensors of a golden file. */
export function readTensors(path: string): Map<string, tf.Tensor> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  delete header.__metadata__;
  const tensors = new Map<string, tf.Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries<TensorInfo>(header)) {
    const data = new Uint8Array(bytes.subarray(start + data_offsets[0], start + data_offsets[1]))
      .buffer;
    const values = dtype === 'F32' ? new Float32Array(data) : new Int32Array(data);
    tensors.set(name, tf.tensor(values, shape, dtype === 'F32' ? 'float32' : 'int32'));
  }
  return tensors;
}
