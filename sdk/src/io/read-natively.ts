import { nativeBackend, type tf } from '../tensorflow';
import type { SafetensorsDtype } from './safetensors-header';

/** TensorFlow's numbers of the types that it reads as they are in a file. */
const TYPES = new Map<SafetensorsDtype, number>([
  ['F32', 1],
  ['I32', 3],
  ['BF16', 14],
  ['F16', 19],
]);
const FLOAT32 = 1;
const INT32 = 3;

interface Handle {
  id: number;
  shape: number[];
  dtype: number;
}

/** The part of tfjs-node's backend that is used, with the door that `flowbook setup` builds into its binding. */
interface ReadingBackend {
  binding: {
    readonly TF_ATTR_TYPE: number;
    /** Null when the file ends before the tensor does. */
    readTensor?(
      descriptor: number,
      position: number,
      shape: number[],
      dtype: number,
    ): Handle | null;
    executeOp(
      name: string,
      attributes: { name: string; type: number; value: number }[],
      inputIds: number[],
      outputCount: number,
    ): Handle[];
    deleteTensor(id: number): void;
  };
  createOutputTensor(handle: Handle): tf.Tensor;
}

/** Reads a tensor's bytes from an open file into TensorFlow's memory. Null when the file ends before. */
export type NativeRead = (descriptor: number, position: number) => tf.Tensor | null;

/**
 * How tensors of a type come from a file into TensorFlow without passing through JavaScript, on all cores; float16 and
 * bfloat16 are widened there.
 *
 * @returns Null where there is no such way: for other types, and without the native library.
 */
export function nativeReadOf(dtype: SafetensorsDtype, shape: number[]): NativeRead | null {
  const type = TYPES.get(dtype);
  const backend = nativeBackend() as unknown as ReadingBackend | null;
  if (type === undefined || backend?.binding.readTensor === undefined) return null;
  const { binding } = backend;
  return (descriptor, position) => {
    const handle = binding.readTensor?.(descriptor, position, shape, type) ?? null;
    if (handle === null) return null;
    if (type === FLOAT32 || type === INT32) return backend.createOutputTensor(handle);
    const attribute = (name: string, value: number) => ({
      name,
      type: binding.TF_ATTR_TYPE,
      value,
    });
    const attributes = [attribute('SrcT', type), attribute('DstT', FLOAT32)];
    const [wide] = binding.executeOp('Cast', attributes, [handle.id], 1);
    binding.deleteTensor(handle.id);
    return backend.createOutputTensor(wide);
  };
}
