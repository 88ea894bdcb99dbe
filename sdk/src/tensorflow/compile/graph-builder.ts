import type { OperationAttribute, RecordingBinding } from './binding';
import {
  messages,
  shapeMessage,
  type AttrValue,
  type GraphDef,
  type NodeDef,
  type OpDef,
} from './graph-messages';

/** Where a value comes from in the graph: `node:output`. */
export type Source = string;

/** A value inside the graph, with TensorFlow's number of its type. */
export interface GraphValue {
  source: Source;
  dtype: number;
}

const definitions = new Map<string, OpDef>();

/** Writes a TensorFlow graph, one node at a time. */
export class GraphBuilder {
  readonly #graph: GraphDef = new (messages().GraphDef)();
  readonly #binding: RecordingBinding;
  #count = 0;

  constructor(binding: RecordingBinding) {
    this.#binding = binding;
  }

  /** Number of nodes so far. */
  get size(): number {
    return this.#count;
  }

  /** Adds an input of the graph. */
  placeholder(shape: number[], dtype: number): GraphValue {
    const node = this.#node('Placeholder', []);
    this.#setType(node, 'dtype', dtype);
    const value = new (messages().AttrValue)();
    value.setShape(shapeMessage(shape));
    node.getAttrMap().set('shape', value);
    return { source: this.#add(node), dtype };
  }

  /** Adds a tensor with fixed values. */
  constant(shape: number[], dtype: number, bytes: Uint8Array): GraphValue {
    const node = this.#node('Const', []);
    this.#setType(node, 'dtype', dtype);
    const tensor = new (messages().Tensor)();
    tensor.setDtype(dtype);
    tensor.setTensorShape(shapeMessage(shape));
    tensor.setTensorContent(bytes);
    const value = new (messages().AttrValue)();
    value.setTensor(tensor);
    node.getAttrMap().set('value', value);
    return { source: this.#add(node), dtype };
  }

  /**
   * Adds an operation. Types and counts that the eager interface infers from the inputs are filled
   * in from the operation's own definition.
   */
  operation(
    name: string,
    attributes: OperationAttribute[],
    inputs: GraphValue[],
    outputDtypes: number[],
  ): GraphValue[] {
    const node = this.#node(
      name,
      inputs.map(({ source }) => source),
    );
    for (const attribute of attributes) {
      node.getAttrMap().set(attribute.name, this.#attribute(attribute));
    }
    this.#inferAttributes(name, node, inputs, attributes);
    if (name === 'Split' || name === 'SplitV' || name === 'Unpack') {
      this.#setNumber(node, name === 'Unpack' ? 'num' : 'num_split', outputDtypes.length);
    }
    const source = this.#add(node);
    return outputDtypes.map((dtype, index) => ({
      source: source.replace(/:0$/, `:${index}`),
      dtype,
    }));
  }

  /** The graph on the wire, a GraphDef message. */
  serialize(): Buffer {
    return Buffer.from(this.#graph.serializeBinary());
  }

  #node(operation: string, inputs: string[]): NodeDef {
    const node = new (messages().NodeDef)();
    node.setName(`n${this.#count}`);
    node.setOp(operation);
    node.setInputList(inputs);
    return node;
  }

  #add(node: NodeDef): Source {
    this.#graph.addNode(node);
    return `n${this.#count++}:0`;
  }

  #setType(node: NodeDef, name: string, dtype: number): void {
    const value = new (messages().AttrValue)();
    value.setType(dtype);
    node.getAttrMap().set(name, value);
  }

  #setNumber(node: NodeDef, name: string, number: number): void {
    if (node.getAttrMap().has(name)) return;
    const value = new (messages().AttrValue)();
    value.setI(number);
    node.getAttrMap().set(name, value);
  }

  #definition(name: string): OpDef {
    let definition = definitions.get(name);
    if (definition === undefined) {
      definition = messages().OpDef.deserializeBinary(this.#binding.operationDefinition(name));
      definitions.set(name, definition);
    }
    return definition;
  }

  #inferAttributes(
    name: string,
    node: NodeDef,
    inputs: GraphValue[],
    given: OperationAttribute[],
  ): void {
    const definition = this.#definition(name);
    if (definition.getIsStateful()) {
      throw new Error(
        `Cannot record "${name}" as its result changes from call to call: draw with a key outside and pass the result in`,
      );
    }
    const declared = definition.getInputArgList();
    let at = 0;
    for (const argument of declared) {
      const numberAttribute = argument.getNumberAttr();
      const typeAttribute = argument.getTypeAttr();
      let taken = 1;
      if (numberAttribute !== '') {
        const count = given.find((attribute) => attribute.name === numberAttribute)?.value;
        taken = typeof count === 'number' ? count : inputs.length - (declared.length - 1);
        this.#setNumber(node, numberAttribute, taken);
      }
      if (typeAttribute !== '' && !node.getAttrMap().has(typeAttribute)) {
        this.#setType(node, typeAttribute, inputs[at].dtype);
      }
      at += taken;
    }
  }

  #attribute({ name, type, value }: OperationAttribute): AttrValue {
    const message = new (messages().AttrValue)();
    const binding = this.#binding;
    if (Array.isArray(value) && type !== binding.TF_ATTR_SHAPE) {
      const list = new (messages().AttrValue.ListValue)();
      if (type === binding.TF_ATTR_INT) list.setIList(value as number[]);
      else if (type === binding.TF_ATTR_FLOAT) list.setFList(value as number[]);
      else if (type === binding.TF_ATTR_BOOL) list.setBList(value as boolean[]);
      else throw new Error(`Cannot record attribute "${name}" as lists of its type have no form`);
      message.setList(list);
      return message;
    }
    if (type === binding.TF_ATTR_STRING) message.setS(Buffer.from(value as string));
    else if (type === binding.TF_ATTR_INT) message.setI(value as number);
    else if (type === binding.TF_ATTR_FLOAT) message.setF(value as number);
    else if (type === binding.TF_ATTR_BOOL) message.setB(Boolean(value));
    else if (type === binding.TF_ATTR_TYPE) message.setType(value as number);
    else if (type === binding.TF_ATTR_SHAPE) message.setShape(shapeMessage(value as number[]));
    else
      throw new Error(`Cannot record attribute "${name}" as type ${type} has no form in a graph`);
    return message;
  }
}
