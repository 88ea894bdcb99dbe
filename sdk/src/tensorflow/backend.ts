import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { environmentChoice } from '../core/environment-choice';
import { admitBfloat16 } from './bfloat16-handles';
import { useCompiledStore } from './compiled-store';

/** What carries the tensors in this process. */
export interface BackendInfo {
  /** `tensorflow` for the native library, `cpu` for tfjs's JavaScript backend. */
  name: 'tensorflow' | 'cpu';
  /** Version of the native library, or null without it. */
  nativeVersion: string | null;
  /** The device that operations run on. */
  device: 'CPU' | 'CUDA';
  /** Why the native library is not used, or null when it is. */
  reason: string | null;
}

/** The part of the native binding that Flowbook calls directly. */
export interface NativeBinding {
  readonly TF_Version: string;
  readonly isUsingGPU?: boolean;
  /** Runs an operation on tensors by their numbers in the library. */
  executeOp(
    name: string,
    attributes: unknown[],
    inputIds: number[],
    outputCount: number,
  ): { id: number; shape: number[]; dtype: number }[];
}

/** The native backend as tfjs-node registers it. */
export interface NativeBackend {
  readonly binding: NativeBinding;
  readonly isUsingGpuDevice?: boolean;
  /** Runs one of TensorFlow's operations by its name there. */
  executeSingleOutput(name: string, attributes: unknown[], inputs: tf.Tensor[]): tf.Tensor;
  /** The same for an operation with several results. */
  executeMultipleOutputs(
    name: string,
    attributes: unknown[],
    inputs: tf.Tensor[],
    outputCount: number,
  ): tf.Tensor[];
}

/** tfjs-node calls two functions that Node 22 warns of and Node 23 removed. */
function replaceRemovedNodeFunctions(): void {
  const target = util as unknown as Record<string, unknown>;
  target.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  target.isArray = Array.isArray;
}

function load(): BackendInfo {
  replaceRemovedNodeFunctions();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  // TensorFlow asks for oneDNN's kernels on processors with AVX-512 alone; with AVX2 they are up to twice as fast as its own.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  // Otherwise TensorFlow takes nearly all of a GPU's memory at once, and other processes on it find none.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  useCompiledStore();
  const wanted = environmentChoice('FLOWBOOK_BACKEND', ['cpu', 'tensorflow']);
  let reason = 'FLOWBOOK_BACKEND=cpu asks for it';
  if (wanted !== 'cpu') {
    try {
      require('@tensorflow/tfjs-node-gpu');
      const backend = tf.backend() as unknown as NativeBackend;
      admitBfloat16(backend);
      return {
        name: 'tensorflow',
        nativeVersion: backend.binding.TF_Version,
        device: backend.isUsingGpuDevice ? 'CUDA' : 'CPU',
        reason: null,
      };
    } catch (error) {
      if (wanted === 'tensorflow') throw error;
      reason = (error as Error).message.split('\n')[0];
    }
    process.stderr.write(
      `flowbook: running on tfjs's slow JavaScript backend, as the native TensorFlow library did not load (${reason}): run "npx flowbook setup"\n`,
    );
  }
  // tfjs would advise, at length, to install a library that is not the one Flowbook builds.
  tf.env().set('PROD', true);
  return { name: 'cpu', nativeVersion: null, device: 'CPU', reason };
}

const info = load();

/**
 * Says what carries the tensors in this process, and why.
 *
 * @example
 * const { name, device } = backendInfo(); // 'tensorflow' and 'CPU' or 'CUDA'; 'cpu' without the native library
 */
export function backendInfo(): BackendInfo {
  return { ...info };
}

/** The native backend, or null on tfjs's JavaScript backend. */
export function nativeBackend(): NativeBackend | null {
  return info.name === 'tensorflow' ? (tf.backend() as unknown as NativeBackend) : null;
}

/** TensorFlow.js, with the native backend registered where it can be had. */
export { tf };
