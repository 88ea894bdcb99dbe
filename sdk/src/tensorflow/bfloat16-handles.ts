import type { Tensor } from '@tensorflow/tfjs';

/** TensorFlow's numbers of the types. */
export const [FLOAT32, BFLOAT16] = [1, 14];

interface Handle {
  id: number;
  shape: number[];
  dtype: number;
}

/** The part of tfjs-node's backend that has to learn of the type. */
interface TypedBackend {
  binding: {
    executeOp(name: string, attributes: object[], inputIds: number[], count: number): Handle[];
    deleteTensor(id: number): void;
    tensorDataSync(id: number): ArrayBufferView;
  };
  tensorMap: { get(dataId: object): { id: number; dtype: number } | undefined };
  createOutputTensor(handle: Handle): Tensor;
  readSync(dataId: object): ArrayBufferView;
}

/**
 * Lets tensors be held in bfloat16. tfjs has no name for the type and calls them float32; their handles say what they are, so
 * that an operation for float32 refuses them. Their values are read as float32.
 */
export function admitBfloat16(native: object): void {
  const backend = native as TypedBackend;
  const { createOutputTensor, readSync } = backend;
  backend.createOutputTensor = function (handle) {
    if (handle.dtype !== BFLOAT16) return createOutputTensor.call(this, handle);
    const tensor = createOutputTensor.call(this, { ...handle, dtype: FLOAT32 });
    Object.assign(this.tensorMap.get(tensor.dataId) as object, { dtype: BFLOAT16 });
    return tensor;
  };
  backend.readSync = function (dataId) {
    const stored = this.tensorMap.get(dataId);
    if (stored?.dtype !== BFLOAT16) return readSync.call(this, dataId);
    const [wide] = this.binding.executeOp('Cast', castTo(FLOAT32, BFLOAT16), [stored.id], 1);
    try {
      return this.binding.tensorDataSync(wide.id);
    } finally {
      this.binding.deleteTensor(wide.id);
    }
  };
}

/** Whether a tensor's handle is of bfloat16. */
export function holdsBfloat16(native: object, dataId: object): boolean {
  return (native as TypedBackend).tensorMap.get(dataId)?.dtype === BFLOAT16;
}

/** The attributes of TensorFlow's `Cast`. */
export function castTo(to: number, from: number): object[] {
  const type = 4;
  return [
    { name: 'SrcT', type, value: from },
    { name: 'DstT', type, value: to },
  ];
}
