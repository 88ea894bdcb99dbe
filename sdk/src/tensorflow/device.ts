import { backendInfo } from './backend';

/**
 * Checks a `device` option. Tensors live where the process computes, so it moves nothing: 'cpu' is always fine, 'cuda' (or
 * 'cuda:0') needs a process that computes on a GPU.
 *
 * @throws On an unknown name, and on 'cuda' in a process that computes on the CPU.
 *
 * @example
 * checkDevice('cpu'); // undefined // nothing to say against it
 */
export function checkDevice(device: string | null | undefined): void {
  if (device === null || device === undefined || device === 'cpu') return;
  if (!/^(cuda|gpu)(:\d+)?$/.test(device)) {
    throw new Error(`Cannot use device "${device}" as it must be cpu or cuda`);
  }
  if (backendInfo().device !== 'CUDA') {
    throw new Error(`Cannot use device "${device}" as this process computes on the CPU`);
  }
}
