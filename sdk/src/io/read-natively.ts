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
const [BFLOAT16, FLOAT16] = [14, 19];

interface Handle {
  id: number;
  shape: number[];
  dtype: number;
}

/** The part of tfjs-node's backend that is used, with the door that `flowbook setup` builds into its binding. */
interface ReadingBackend {
  binding: {
    readonly TF_ATTR_TYPE: number;
    /** Null when the file ends before a tensor does. */
    readTensors?(
      descriptor: number,
      positions: number[],
      shapes: number[][],
      dtypes: number[],
    ): Handle[] | null;
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

/** Where a tensor lies in a file. */
export interface StoredTensor {
  dtype: SafetensorsDtype;
  shape: number[];
  position: number;
  /** Whether bfloat16 stays as it is. */
  isKept: boolean;
}

function readingBackend(): ReadingBackend | null {
  const backend = nativeBackend() as unknown as ReadingBackend | null;
  return backend?.binding.readTensors === undefined ? null : backend;
}

/** Whether `readNatively` reads tensors of this type here. */
export function readsNatively(dtype: SafetensorsDtype): boolean {
  return TYPES.has(dtype) && readingBackend() !== null;
}

/**
 * Reads tensors from an open file straight into TensorFlow's memory, on all cores; float16 and bfloat16 are widened there
 * unless they are kept.
 *
 * @returns Null when the file ends before a tensor does.
 */
export function readNatively(
  descriptor: number,
  stored: readonly StoredTensor[],
): tf.Tensor[] | null {
  const backend = readingBackend() as ReadingBackend;
  const handles = backend.binding.readTensors?.(
    descriptor,
    stored.map(({ position }) => position),
    stored.map(({ shape }) => shape),
    stored.map(({ dtype }) => TYPES.get(dtype) as number),
  );
  if (handles === undefined || handles === null) return null;
  return handles.map((handle, at) => {
    const isWide = handle.dtype !== FLOAT16 && (handle.dtype !== BFLOAT16 || stored[at].isKept);
    return backend.createOutputTensor(isWide ? handle : widened(backend, handle));
  });
}

/** A tensor of half precision in float32. */
function widened({ binding }: ReadingBackend, handle: Handle): Handle {
  const attribute = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  const attributes = [attribute('SrcT', handle.dtype), attribute('DstT', FLOAT32)];
  const [wide] = binding.executeOp('Cast', attributes, [handle.id], 1);
  binding.deleteTensor(handle.id);
  return wide;
}
