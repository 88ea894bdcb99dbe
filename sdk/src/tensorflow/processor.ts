import { processorFlags } from '../core/processor-flags';
import { backendInfo } from './backend';

/** Whether TensorFlow's products are oneDNN's, on a processor with one of these instructions. */
export function hasProductsBy(
  instructions: readonly string[],
  flags: ReadonlySet<string> = processorFlags(),
): boolean {
  const isOff = /^(0|false)$/i.test(process.env.TF_ENABLE_ONEDNN_OPTS ?? '');
  if (backendInfo().device === 'CUDA' || isOff) return false;
  return instructions.some((name) => flags.has(name));
}
