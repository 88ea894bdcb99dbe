/**
 * TensorFlow's definition of an operation, as tfjs-node carries the message (generated from TensorFlow's own .proto files,
 * without types). Only what recording needs is typed here.
 */
export interface OpDef {
  getInputArgList(): ArgDef[];
  getAttrList(): { getName(): string }[];
  getIsStateful(): boolean;
}

interface ArgDef {
  getNumberAttr(): string;
  getTypeListAttr(): string;
}

interface Messages {
  OpDef: { deserializeBinary(bytes: Uint8Array): OpDef };
}

let loaded: Messages | undefined;

/** Reads a definition on the wire. */
export function parseOpDef(bytes: Uint8Array): OpDef {
  // Loaded at the first use: it is there whenever the native backend is.
  loaded ??= require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb') as Messages;
  return loaded.OpDef.deserializeBinary(bytes);
}
