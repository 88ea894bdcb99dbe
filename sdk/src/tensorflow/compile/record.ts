import { tf } from '../backend';
import {
  handleOf,
  type OperationAttribute,
  type RecordingBackend,
  type TensorMetadata,
} from './binding';
import { GraphBuilder, type GraphValue } from './graph-builder';
import { flattenTree, type TensorTree } from './tensor-tree';

/** Tensors of at most this many bytes from outside become part of the graph. */
const LARGEST_CONSTANT_BYTES = 1024;

/** One recorded function, ready to be run. */
export interface Recording {
  graph: Buffer;
  /** Names of the graph's inputs: the arguments' tensors, then variables, then captured tensors. */
  inputs: string[];
  outputs: string[];
  /** Variables that the function read; their values are fed anew at each run. */
  variables: tf.Variable[];
  /** Handles that keep other tensors from outside alive; fed at each run. */
  captured: number[];
  /** What the function returned, with disposed tensors in the places of the outputs. */
  result: TensorTree;
  /** Number of nodes in the graph. */
  size: number;
}

/** Byte view of values on their way into a tensor. */
function bytesOf(values: ArrayBufferView | number[]): Uint8Array {
  const view = Array.isArray(values) ? Float32Array.from(values) : values;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Runs `fn` once and writes down the operations that pass through the binding.
 *
 * tfjs's automatic differentiation executes operations too, so gradients taken inside `fn` are
 * recorded like everything else.
 *
 * @param inputs The tensors of the arguments, in order.
 * @throws When `fn` reads a tensor's values, assigns a variable, or uses an operation whose result
 * changes from call to call.
 */
export function record(
  backend: RecordingBackend,
  fn: () => TensorTree,
  inputs: tf.Tensor[],
): Recording {
  const binding = backend.binding;
  const builder = new GraphBuilder(binding);
  const values = new Map<number, GraphValue>();
  const inputNames: string[] = [];
  const addInput = (id: number, shape: number[], dtype: number): GraphValue => {
    const value = builder.placeholder(shape, dtype);
    values.set(id, value);
    inputNames.push(value.source);
    return value;
  };
  for (const tensor of inputs) {
    const { id, dtype } = handleOf(backend, tensor.dataId);
    if (!values.has(id)) addInput(id, tensor.shape, dtype);
    else inputNames.push(builder.placeholder(tensor.shape, dtype).source);
  }
  const known = Object.values(tf.engine().registeredVariables) as tf.Variable[];
  const variableOf = new Map<number, tf.Variable>();
  for (const variable of known) variableOf.set(handleOf(backend, variable.dataId).id, variable);

  const variables: tf.Variable[] = [];
  const captured: { id: number; name: string }[] = [];
  const variableNames: string[] = [];
  const capture = (id: number): GraphValue => {
    const [copy] = binding.executeOp('Identity', [], [id], 1);
    const value = addInput(id, copy.shape, copy.dtype);
    const name = inputNames.pop() as string;
    const variable = variableOf.get(id);
    if (variable === undefined) {
      captured.push({ id: copy.id, name });
    } else {
      binding.deleteTensor(copy.id);
      variables.push(variable);
      variableNames.push(name);
    }
    return value;
  };
  const recorder = Object.create(binding, {
    createTensor: {
      value: (shape: number[], dtype: number, data: ArrayBufferView): number => {
        const id = binding.createTensor(shape, dtype, data);
        const bytes = bytesOf(data);
        if (bytes.byteLength <= LARGEST_CONSTANT_BYTES) {
          values.set(id, builder.constant(shape, dtype, bytes));
        }
        return id;
      },
    },
    executeOp: {
      value: (
        name: string,
        attributes: OperationAttribute[],
        ids: number[],
        outputCount: number,
      ): TensorMetadata[] => {
        const outputs = binding.executeOp(name, attributes, ids, outputCount);
        const recorded = builder.operation(
          name,
          attributes,
          ids.map((id) => values.get(id) ?? capture(id)),
          outputs.map(({ dtype }) => dtype),
        );
        outputs.forEach(({ id }, index) => values.set(id, recorded[index]));
        return outputs;
      },
    },
    tensorDataSync: {
      value: (): never => {
        throw new Error(
          'Cannot read values while recording as a compiled function runs without them: return the tensor and read it outside',
        );
      },
    },
  }) as typeof binding;

  const before = known.map(({ dataId }) => dataId);
  const tidied = (): { result: TensorTree; outputs: string[] } => {
    const result = fn();
    const outputs = flattenTree(result).tensors.map((tensor) => {
      const { id, dtype } = handleOf(backend, tensor.dataId);
      const value = values.get(id) ?? capture(id);
      return builder.operation('Identity', [], [value], [dtype])[0].source;
    });
    return { result, outputs };
  };
  let traced: ReturnType<typeof tidied> | undefined;
  backend.binding = recorder;
  try {
    tf.engine().startScope('record');
    traced = tidied();
  } catch (error) {
    for (const { id } of captured) binding.deleteTensor(id);
    throw error;
  } finally {
    tf.engine().endScope();
    backend.binding = binding;
  }
  if (known.some(({ dataId }, index) => dataId !== before[index])) {
    for (const { id } of captured) binding.deleteTensor(id);
    throw new Error(
      'Cannot record a function that assigns a variable: return the new value and assign it outside',
    );
  }
  return {
    graph: builder.serialize(),
    inputs: [...inputNames, ...variableNames, ...captured.map(({ name }) => name)],
    outputs: traced.outputs,
    variables,
    captured: captured.map(({ id }) => id),
    result: traced.result,
    size: builder.size,
  };
}
