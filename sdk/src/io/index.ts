export { openSafetensors, readSafetensors, SafetensorsFile } from './safetensors';
export type { SafetensorsDtype, SafetensorsInfo } from './safetensors-header';
