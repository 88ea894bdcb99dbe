export { openSafetensors, readSafetensors, SafetensorsFile } from './safetensors';
export type { SafetensorsDtype, SafetensorsInfo } from './safetensors-header';
export { writeSafetensors } from './write-safetensors';
export type { FloatDtype, WriteSafetensorsOptions } from './write-safetensors';
export { openModelDirectory } from './model-directory';
export type { ModelDirectory } from './model-directory';
export { readLoraFile, writeLoraFile } from './lora-file';
export type { LoraWeights } from './lora-file';
