import { nativeBackend, type NativeBackend, type NativeBinding } from '../backend';

/** What the binding says of a tensor it made. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  /** TensorFlow's number of the type. */
  dtype: number;
}

/** An operation's attribute as tfjs-node's kernels hand it over. */
export interface OperationAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** A value of a recorded graph: its place in the order of creation, and what TensorFlow inferred of it. */
export interface GraphValue {
  value: number;
  shape: number[];
  /** TensorFlow's number of the type. */
  dtype: number;
  /** Whether the whole shape is known. */
  isKnown: boolean;
}

/** A native graph that is being recorded. */
export type GraphHandle = object & { readonly graph: unique symbol };

/** The binding with the doors that `flowbook setup` builds into it. */
export interface RecordingBinding extends NativeBinding {
  readonly TF_INT64: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  executeOp(
    name: string,
    attributes: OperationAttribute[],
    inputIds: number[],
    outputCount: number,
  ): TensorMetadata[];
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayBufferView;
  operationDefinition(name: string): Buffer;
  newGraph(): GraphHandle;
  addOperation(
    graph: GraphHandle,
    name: string,
    attributes: OperationAttribute[],
    inputs: (number | number[])[],
  ): GraphValue[];
  addConstant(graph: GraphHandle, shape: number[], dtype: number, bytes: Uint8Array): GraphValue[];
  crossingValues(graph: GraphHandle, outputs: number[], from: number): number[];
  /** @returns Names of the functions that it calls */
  defineFunction(
    graph: GraphHandle,
    name: string,
    inputs: number[],
    outputs: number[],
    xla: boolean,
  ): string[];
  functionDefinition(name: string): Buffer;
  addFunction(definition: Uint8Array): void;
  removeFunction(name: string): void;
  runFunction(name: string, inputIds: number[], outputCount: number): Promise<TensorMetadata[]>;
}

/** What the backend keeps of a tensor. */
interface StoredTensor {
  shape: number[];
  dtype: number;
  id: number;
  /** Values that have not been handed to TensorFlow yet, or null. */
  values: ArrayBufferView | null;
  /** Tensors and variables that share it. */
  refCount: number;
}

/** tfjs-node's backend with the parts that recording reaches into. */
export interface RecordingBackend extends Omit<NativeBackend, 'binding'> {
  binding: RecordingBinding;
  tensorMap: { get(dataId: object): StoredTensor; has(dataId: object): boolean };
  createOutputTensor(metadata: TensorMetadata): import('@tensorflow/tfjs').Tensor;
  /** @param tensors Or numbers of 64 bits, which have no data. */
  getInputTensorIds(tensors: readonly { dataId?: object }[]): number[];
}

/**
 * The native backend, or null without the native library.
 *
 * @throws When its binding was built by an older set-up, or by tfjs-node itself.
 */
export function recordingBackend(): RecordingBackend | null {
  const backend = nativeBackend() as unknown as RecordingBackend | null;
  if (backend !== null && typeof backend.binding.addFunction !== 'function') {
    throw new Error(
      'Cannot compile as the native binding must be the one that this version of Flowbook builds: run "npx flowbook setup"',
    );
  }
  return backend;
}

/** The id of a tensor's handle; values still on the JavaScript side are handed over first. @throws When the tensor was disposed. */
export function handleOf(backend: RecordingBackend, dataId: object): StoredTensor {
  if (!backend.tensorMap.has(dataId)) {
    throw new Error('Cannot give a tensor to TensorFlow as it must not be disposed: it was');
  }
  const stored = backend.tensorMap.get(dataId);
  if (stored.values !== null) {
    stored.id = backend.binding.createTensor(stored.shape, stored.dtype, stored.values);
    stored.values = null;
  }
  return stored;
}
