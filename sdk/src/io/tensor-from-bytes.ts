import { tf } from '../tensorflow';
import { bfloat16ToFloat32, float16ToFloat32 } from './half-precision';
import type { SafetensorsDtype } from './safetensors-header';

/**
 * Makes a tensor from little-endian bytes: F32, F16, BF16 and F64 become float32, whole numbers int32, BOOL bool.
 *
 * @param bytes An array of its own, aligned to eight bytes: it may become the tensor's memory.
 * @param what What is read, for messages.
 * @throws When the type has no tensor, or a whole number does not fit into int32.
 */
export function tensorFromBytes(
  bytes: Uint8Array,
  dtype: SafetensorsDtype,
  shape: number[],
  what: string,
): tf.Tensor {
  const { buffer, byteOffset, byteLength } = bytes;
  const [halves, words] = [byteLength >> 1, byteLength >> 2];
  switch (dtype) {
    case 'F32':
      return tf.tensor(new Float32Array(buffer, byteOffset, words), shape, 'float32');
    case 'F64': {
      const values = new Float64Array(buffer, byteOffset, byteLength >> 3);
      return tf.tensor(Float32Array.from(values), shape, 'float32');
    }
    case 'BF16':
      return tf.tensor(
        bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, halves)),
        shape,
        'float32',
      );
    case 'F16':
      return tf.tensor(
        float16ToFloat32(new Uint16Array(buffer, byteOffset, halves)),
        shape,
        'float32',
      );
    case 'I32':
      return tf.tensor(new Int32Array(buffer, byteOffset, words), shape, 'int32');
    case 'I16':
      return whole(new Int16Array(buffer, byteOffset, halves), shape);
    case 'U16':
      return whole(new Uint16Array(buffer, byteOffset, halves), shape);
    case 'I8':
      return whole(new Int8Array(buffer, byteOffset, byteLength), shape);
    case 'U8':
      return whole(bytes, shape);
    case 'U32':
      return checkedWhole(new Uint32Array(buffer, byteOffset, words), shape, what);
    case 'I64':
      return checkedWhole(new BigInt64Array(buffer, byteOffset, byteLength >> 3), shape, what);
    case 'U64':
      return checkedWhole(new BigUint64Array(buffer, byteOffset, byteLength >> 3), shape, what);
    case 'BOOL':
      return tf.tensor(
        bytes.map((value) => Number(value !== 0)),
        shape,
        'bool',
      );
    default:
      throw new Error(
        `Cannot read ${what} as a tensor must hold floats, whole numbers or booleans: current value is ${dtype}`,
      );
  }
}

function whole(values: Iterable<number>, shape: number[]): tf.Tensor {
  return tf.tensor(Int32Array.from(values), shape, 'int32');
}

function checkedWhole(
  values: Uint32Array | BigInt64Array | BigUint64Array,
  shape: number[],
  what: string,
): tf.Tensor {
  const result = new Int32Array(values.length);
  for (let i = 0; i < result.length; i++) {
    result[i] = Number(values[i]);
    if (BigInt(result[i]) !== BigInt(values[i])) {
      throw new Error(
        `Cannot read ${what} as its whole numbers must fit into int32: current value is ${values[i]}`,
      );
    }
  }
  return tf.tensor(result, shape, 'int32');
}
