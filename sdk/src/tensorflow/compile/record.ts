import { tf } from '../backend';
import {
  handleOf,
  type GraphValue,
  type OperationAttribute,
  type RecordingBackend,
  type RecordingBinding,
  type TensorMetadata,
} from './binding';
import { Graph, type GraphSize } from './graph';
import { outsideTape } from './outside-tape';
import { flattenTree, replaceTensors, type TensorTree } from './tensor-tree';

/** Tensors of at most this many bytes become part of the graph; larger ones are fed to it. */
const LARGEST_CONSTANT_BYTES = 1024;
/** Tensors of a recording have ids from here on, which no handle has. */
const FIRST_RECORDED_ID = 2 ** 40;

/** What a function is fed besides the tensors of its arguments. */
export interface Fed {
  /** Variables that it read; their values are fed anew at each run. */
  variables: { variable: tf.Variable }[];
  /** Handles that keep other tensors alive; fed at each run. */
  captured: CapturedTensor[];
}

/** A handle that keeps a tensor alive, which is not of the arguments. */
export interface CapturedTensor extends TensorMetadata {
  /** Whether it was there before the recording. */
  isFromOutside: boolean;
}

/** One recorded function, ready to be defined. Values are named by their places. */
export interface Recording extends Fed {
  graph: Graph;
  /** Places of the values that stand for the arguments' tensors, in order. */
  inputs: number[];
  variables: { variable: tf.Variable; value: number }[];
  captured: (CapturedTensor & { value: number })[];
  /** Places of the result's tensors. */
  outputs: number[];
  /** What the function returned, with disposed tensors in the places of the outputs. */
  result: TensorTree;
}

/** What a function that is being recorded may ask for. */
export interface Recorder extends GraphSize {
  /** Number of values recorded so far. */
  readonly size: number;
  /** A further input, after the arguments', of a tensor's shape and type. */
  addInputLike(tensor: tf.Tensor): { tensor: tf.Tensor; value: number };
  /** Makes a tensor's value an output. @returns its place */
  addOutput(tensor: tf.Tensor): number;
}

/**
 * Runs `fn` once and writes down the operations that pass through the binding. Nothing is computed: TensorFlow infers the
 * shapes, and tensors made on the way have no values.
 *
 * tfjs's automatic differentiation executes operations too, so gradients taken inside `fn` are recorded like everything
 * else.
 *
 * A handle tells tensors apart, and copies share one. So that each is what it is called, arguments are stood in for by tensors of
 * the recording, and a variable with copies gets a handle of its own, which copies no data.
 *
 * @param fn Is given what stands for the arguments: in it a variable stays a variable.
 * @throws When `fn` reads a tensor's values or what was disposed, assigns or makes a variable, keeps a tensor, or uses an operation
 *   whose result changes from call to call.
 */
export function record<Arguments extends TensorTree>(
  backend: RecordingBackend,
  fn: (args: Arguments, recorder: Recorder) => TensorTree,
  args: Arguments,
): Recording {
  const tape = new Tape(backend, flattenTree(args).tensors);
  try {
    return outsideTape(() => tape.record(fn, args));
  } catch (error) {
    for (const { id } of tape.captured) backend.binding.deleteTensor(id);
    throw error;
  }
}

/** Recordings that are under way, one within another. */
let recordings = 0;

/** Whether a function is being recorded: what it calls becomes part of its graph. */
export function isRecording(): boolean {
  return recordings > 0;
}

/** The state of one recording. */
class Tape implements Recorder {
  readonly captured: Recording['captured'] = [];
  /** Handles of tensors that were given their values in the recording. */
  readonly #made = new Set<number>();
  readonly #backend: RecordingBackend;
  readonly #binding: RecordingBinding;
  readonly #graph: Graph;
  /** By the id of a tensor. */
  readonly #values = new Map<number, GraphValue>();
  /** What stands for the tensors of the arguments. */
  readonly #inputs: GraphValue[];
  readonly #variables: { variable: tf.Variable; value: number }[] = [];
  readonly #variableOf = new Map<number, tf.Variable>();
  /** What the backend keeps of the recording's tensors, until they are disposed. */
  readonly #living = new Map<number, { id: number }>();
  #count = 0;

  constructor(backend: RecordingBackend, inputs: readonly tf.Tensor[]) {
    this.#backend = backend;
    this.#binding = backend.binding;
    this.#graph = new Graph(this.#binding);
    this.#inputs = inputs.map(({ dataId, shape }) =>
      this.#graph.placeholder(shape, handleOf(backend, dataId).dtype),
    );
  }

  get productOperations(): number {
    return this.#graph.productOperations;
  }

  get hasBfloat16(): boolean {
    return this.#graph.hasBfloat16;
  }

  get size(): number {
    return this.#graph.size;
  }

  addInputLike(tensor: tf.Tensor): { tensor: tf.Tensor; value: number } {
    const { dtype } = this.#valueOf(handleOf(this.#backend, tensor.dataId).id);
    const place = this.#graph.placeholder(tensor.shape, dtype);
    const input = this.#backend.createOutputTensor(this.#hold(place));
    return { tensor: input, value: place.value };
  }

  addOutput(tensor: tf.Tensor): number {
    const value = this.#valueOf(handleOf(this.#backend, tensor.dataId).id);
    return this.#graph.operation('Identity', [], [value], 1)[0].value;
  }

  record<Arguments extends TensorTree>(
    fn: (args: Arguments, recorder: Recorder) => TensorTree,
    args: Arguments,
  ): Recording {
    const variables = Object.values(tf.engine().registeredVariables) as tf.Variable[];
    for (const variable of variables) {
      // A copy has the variable's handle until one of both is assigned: which of them is read could not be told.
      if (handleOf(this.#backend, variable.dataId).refCount > 1) this.#giveOwnHandle(variable);
      this.#variableOf.set(this.#idOf(variable), variable);
    }
    const { assign } = tf.Variable.prototype;
    const { createOutputTensor, getInputTensorIds } = this.#backend;
    let result: TensorTree;
    let outputs: number[];
    this.#backend.binding = this.#recordingBinding();
    recordings++;
    tf.Variable.prototype.assign = refuseToAssign;
    this.#backend.getInputTensorIds = (tensors) => {
      tensors.forEach((tensor) => this.#requireAlive(tensor));
      return getInputTensorIds.call(this.#backend, tensors);
    };
    this.#backend.createOutputTensor = (metadata) => {
      const tensor = createOutputTensor.call(this.#backend, metadata);
      // A draw by key has a handle and values, whatever is being recorded.
      if (metadata.id >= FIRST_RECORDED_ID) {
        this.#living.set(metadata.id, this.#backend.tensorMap.get(tensor.dataId));
      }
      return tensor;
    };
    try {
      tf.engine().startScope('record');
      result = fn(this.#standInsFor(args), this);
      outputs = flattenTree(result).tensors.map((tensor) => this.addOutput(tensor));
    } finally {
      tf.engine().endScope();
      this.#backend.binding = this.#binding;
      recordings--;
      tf.Variable.prototype.assign = assign;
      this.#backend.getInputTensorIds = getInputTensorIds;
      this.#backend.createOutputTensor = createOutputTensor;
      // A tensor that outlives the recording has no handle: nothing is to be deleted when it is disposed.
      for (const stored of this.#living.values()) stored.id = -1;
    }
    if (this.#living.size > 0) {
      throw new Error(
        `Cannot record a function that keeps a tensor as it has no value outside of the recording: return it instead; ${this.#living.size} are kept`,
      );
    }
    return {
      graph: this.#graph,
      inputs: this.#inputs.map(({ value }) => value),
      variables: this.#variables,
      captured: this.captured,
      outputs,
      result,
    };
  }

  /** The arguments with tensors of the recording in the places of theirs. */
  #standInsFor<Arguments extends TensorTree>(args: Arguments): Arguments {
    const byData = new Map<object, tf.Tensor>();
    const standIns = flattenTree(args).tensors.map((tensor, at) => {
      // Arguments that are one tensor, which the signature says, are one in the graph too.
      const standIn =
        byData.get(tensor.dataId)?.clone() ??
        this.#backend.createOutputTensor(this.#hold(this.#inputs[at]));
      byData.set(tensor.dataId, standIn);
      return tensor instanceof tf.Variable
        ? new tf.Variable(standIn, tensor.trainable, tensor.name, standIn.id)
        : standIn;
    });
    return replaceTensors(args, standIns);
  }

  #requireAlive(tensor: { dataId?: object }): void {
    if (tensor.dataId === undefined || this.#backend.tensorMap.has(tensor.dataId)) return;
    const which = tensor instanceof tf.Variable ? `variable "${tensor.name}"` : 'one';
    throw new Error(
      `Cannot record a function that reads a disposed tensor: ${which} must be there at each call`,
    );
  }

  #idOf(tensor: tf.Tensor): number {
    return handleOf(this.#backend, tensor.dataId).id;
  }

  #giveOwnHandle(variable: tf.Variable): void {
    const [copy] = this.#binding.executeOp('Identity', [], [this.#idOf(variable)], 1);
    const tensor = this.#backend.createOutputTensor(copy);
    variable.assign(tensor);
    tensor.dispose();
  }

  #recordingBinding(): RecordingBinding {
    return Object.create(this.#binding, {
      createTensor: { value: this.#createTensor.bind(this) },
      executeOp: { value: this.#executeOp.bind(this) },
      deleteTensor: { value: this.#deleteTensor.bind(this) },
      tensorDataSync: { value: refuseToRead },
    }) as RecordingBinding;
  }

  #createTensor(shape: number[], dtype: number, data: ArrayBufferView | number[]): number {
    // A handle all the same: the tensor may be one from outside, whose values TensorFlow had not been given yet.
    const id = this.#binding.createTensor(shape, dtype, data as ArrayBufferView);
    this.#made.add(id);
    const bytes = bytesOf(data);
    if (bytes.byteLength <= LARGEST_CONSTANT_BYTES) {
      this.#values.set(id, this.#graph.constant(shape, dtype, bytes));
    }
    return id;
  }

  #executeOp(
    name: string,
    attributes: OperationAttribute[],
    ids: number[],
    outputCount: number,
  ): TensorMetadata[] {
    const inputs = ids.map((id) => this.#valueOf(id));
    return this.#graph
      .operation(name, attributes, inputs, outputCount)
      .map((value) => this.#hold(value));
  }

  #deleteTensor(id: number): void {
    if (id < FIRST_RECORDED_ID) this.#binding.deleteTensor(id);
    else {
      this.#living.delete(id);
      this.#values.delete(id);
    }
  }

  /** Gives a value an id that no handle has. */
  #hold(value: GraphValue): TensorMetadata {
    const id = FIRST_RECORDED_ID + this.#count++;
    this.#values.set(id, value);
    return { id, shape: value.shape, dtype: value.dtype };
  }

  #valueOf(id: number): GraphValue {
    return this.#values.get(id) ?? this.#capture(id);
  }

  #capture(id: number): GraphValue {
    const [copy] = this.#binding.executeOp('Identity', [], [id], 1);
    const place = this.#graph.placeholder(copy.shape, copy.dtype);
    this.#values.set(id, place);
    const variable = this.#variableOf.get(id);
    if (variable === undefined) {
      const isFromOutside = !this.#made.has(id);
      this.captured.push({ ...copy, isFromOutside, value: place.value });
    } else {
      this.#binding.deleteTensor(copy.id);
      this.#variables.push({ variable, value: place.value });
    }
    return place;
  }
}

function refuseToAssign(): never {
  throw new Error(
    'Cannot record a function that assigns a variable: return the new value and assign it outside',
  );
}

function refuseToRead(): never {
  throw new Error(
    'Cannot read values while recording as a compiled function runs without them: return the tensor and read it outside',
  );
}

/** Byte view of values on their way into a tensor. */
function bytesOf(values: ArrayBufferView | number[]): Uint8Array {
  const view = Array.isArray(values) ? Float32Array.from(values) : values;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
