import { createHash } from 'node:crypto';
import type { GraphHandle, GraphValue, OperationAttribute, RecordingBinding } from './binding';
import { BFLOAT16 } from '../bfloat16-handles';
import { defineOnce, type GraphFunction } from './graph-function';
import { parseOpDef, type OpDef } from './graph-messages';

const definitions = new Map<string, OpDef>();

/** Attributes that count an operation's outputs. */
const OUTPUT_COUNTS: Record<string, string> = {
  Split: 'num_split',
  SplitV: 'num_split',
  Unpack: 'num',
};

/** How much a graph computes, and in what. */
export interface GraphSize {
  /** Multiplications and additions of all matrix products so far. */
  readonly productOperations: number;
  /** Whether a value so far is of bfloat16. */
  readonly hasBfloat16: boolean;
}

/** A TensorFlow graph that grows by one operation at a time, and infers shapes instead of computing. */
export class Graph implements GraphSize {
  readonly #binding: RecordingBinding;
  readonly #handle: GraphHandle;
  readonly #hash = createHash('sha256');
  #size = 0;
  #productOperations = 0;
  #hasBfloat16 = false;

  constructor(binding: RecordingBinding) {
    this.#binding = binding;
    this.#handle = binding.newGraph();
  }

  /** Number of values so far; the next one has this place. */
  get size(): number {
    return this.#size;
  }

  get productOperations(): number {
    return this.#productOperations;
  }

  get hasBfloat16(): boolean {
    return this.#hasBfloat16;
  }

  /** Equal for graphs that were built alike, in this process or another. */
  get fingerprint(): string {
    return this.#hash.copy().digest('hex').slice(0, 20);
  }

  /** Adds an input. */
  placeholder(shape: number[], dtype: number): GraphValue {
    const { TF_ATTR_TYPE, TF_ATTR_SHAPE } = this.#binding;
    const attributes = [
      { name: 'dtype', type: TF_ATTR_TYPE, value: dtype },
      { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
    ];
    return this.#add('Placeholder', attributes, [])[0];
  }

  /** Adds a tensor with fixed values. */
  constant(shape: number[], dtype: number, bytes: Uint8Array): GraphValue {
    this.#hash.update(JSON.stringify(['Const', shape, dtype])).update(bytes);
    return this.#counted(this.#binding.addConstant(this.#handle, shape, dtype, bytes))[0];
  }

  /**
   * Adds an operation.
   *
   * @param inputs Values.
   * @throws When its result changes from call to call, or a result's shape depends on values.
   */
  operation(
    name: string,
    attributes: OperationAttribute[],
    inputs: GraphValue[],
    outputCount: number,
  ): GraphValue[] {
    const definition = this.#definition(name);
    if (definition.getIsStateful()) {
      throw new Error(
        `Cannot record "${name}" as its result changes from call to call: draw with a key outside and pass the result in`,
      );
    }
    const count = OUTPUT_COUNTS[name];
    const given = attributes.filter(({ name }) => name !== count && isOf(definition, name));
    const all = count
      ? [...given, { name: count, type: this.#binding.TF_ATTR_INT, value: outputCount }]
      : given;
    const places = inputs.map(({ value }) => value);
    const outputs = this.#add(name, all, groupInputs(definition, places, given));
    const unknown = outputs.find(({ isKnown }) => !isKnown);
    if (unknown !== undefined) {
      throw new Error(
        `Cannot record "${name}" as the shape of its result depends on values: compute it outside and pass the result in`,
      );
    }
    this.#hasBfloat16 ||= outputs.some(({ dtype }) => dtype === BFLOAT16);
    if (name === 'MatMul' || name === 'BatchMatMulV2') {
      const size = (shape: number[]) => shape.reduce((product, length) => product * length, 1);
      const [{ shape }] = outputs;
      const summed = size(inputs[0].shape) / size(shape.slice(0, -1));
      this.#productOperations += 2 * size(shape) * summed;
    }
    return outputs;
  }

  /** Places of the values made before `from`, constants excepted, that `outputs` are made of. */
  crossing(outputs: number[], from: number): number[] {
    return this.#binding.crossingValues(this.#handle, outputs, from);
  }

  /** Makes what lies between inputs and outputs a function of the eager context. */
  define(inputs: number[], outputs: number[], xla: boolean): GraphFunction {
    const ends = createHash('sha256').update(JSON.stringify([inputs, outputs, xla]));
    // XLA's store of compiled functions goes by the name: it must be the same in another process.
    const name = `flowbook_${this.fingerprint}_${ends.digest('hex').slice(0, 12)}`;
    return defineOnce(this.#binding, name, outputs.length, () =>
      this.#binding.defineFunction(this.#handle, name, inputs, outputs, xla),
    );
  }

  #add(
    name: string,
    attributes: OperationAttribute[],
    inputs: (number | number[])[],
  ): GraphValue[] {
    this.#hash.update(JSON.stringify([name, attributes, inputs]));
    return this.#counted(this.#binding.addOperation(this.#handle, name, attributes, inputs));
  }

  #counted(values: GraphValue[]): GraphValue[] {
    this.#size += values.length;
    return values;
  }

  #definition(name: string): OpDef {
    let definition = definitions.get(name);
    if (definition === undefined) {
      definition = parseOpDef(this.#binding.operationDefinition(name));
      definitions.set(name, definition);
    }
    return definition;
  }
}

/** Eager execution overlooks attributes that an operation does not have; some kernels of tfjs-node give them. */
function isOf(definition: OpDef, attribute: string): boolean {
  return definition.getAttrList().some((one) => one.getName() === attribute);
}

/** Inputs as the definition wants them: one by one, or lists. */
function groupInputs(
  definition: OpDef,
  inputs: number[],
  attributes: OperationAttribute[],
): (number | number[])[] {
  const declared = definition.getInputArgList();
  const groups: (number | number[])[] = [];
  let at = 0;
  for (const argument of declared) {
    const numberAttribute = argument.getNumberAttr();
    if (numberAttribute === '' && argument.getTypeListAttr() === '') {
      groups.push(inputs[at++]);
      continue;
    }
    const told = attributes.find(({ name }) => name === numberAttribute)?.value;
    const taken = typeof told === 'number' ? told : inputs.length - (declared.length - 1);
    groups.push(inputs.slice(at, at + taken));
    at += taken;
  }
  return groups;
}
