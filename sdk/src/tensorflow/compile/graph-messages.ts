/**
 * TensorFlow's graph messages, as tfjs-node carries them (generated from TensorFlow's own .proto
 * files, without types). Only what recording needs is typed here.
 */
export interface AttrValue {
  setS(value: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(value: number): void;
  setShape(value: TensorShape): void;
  setTensor(value: TensorMessage): void;
  setList(value: ListValue): void;
}
interface ListValue {
  setIList(values: number[]): void;
  setFList(values: number[]): void;
  setBList(values: boolean[]): void;
}
interface TensorShape {
  addDim(): { setSize(size: number): void };
}
interface TensorMessage {
  setDtype(dtype: number): void;
  setTensorShape(shape: TensorShape): void;
  setTensorContent(bytes: Uint8Array): void;
}
export interface NodeDef {
  setName(name: string): void;
  setOp(operation: string): void;
  setInputList(inputs: string[]): void;
  getAttrMap(): { set(name: string, value: AttrValue): void; has(name: string): boolean };
}
export interface GraphDef {
  addNode(node: NodeDef): NodeDef;
  serializeBinary(): Uint8Array;
}
interface ArgDef {
  getTypeAttr(): string;
  getNumberAttr(): string;
  getTypeListAttr(): string;
}
export interface OpDef {
  getInputArgList(): ArgDef[];
  getIsStateful(): boolean;
}
interface Messages {
  GraphDef: new () => GraphDef;
  NodeDef: new () => NodeDef;
  AttrValue: { new (): AttrValue; ListValue: new () => ListValue };
  TensorShape: new () => TensorShape;
  Tensor: new () => TensorMessage;
  OpDef: { deserializeBinary(bytes: Uint8Array): OpDef };
}

let loaded: Messages | undefined;

/** Loads the messages at the first use: they are there whenever the native backend is. */
export function messages(): Messages {
  loaded ??= require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb') as Messages;
  return loaded;
}

/** The wire form of a shape. */
export function shapeMessage(shape: number[]): TensorShape {
  const message = new (messages().TensorShape)();
  for (const size of shape) message.addDim().setSize(size);
  return message;
}
