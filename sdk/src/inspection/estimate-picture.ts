import { selectLoraTargets } from '../models/lora-targets';
import { estimateTransformer } from './estimate-activations';
import { knownClasses } from './known-classes';
import { ADAPTER_OUTPUTS, USUAL_COMPRESSION } from './memory-needs';
import type { MemorySettings } from './model-report';

/** What the memory of a picture in training depends on. */
export type PictureSettings = Pick<MemorySettings, 'height' | 'width' | 'textTokens'> & {
  /** Layers with adapters, as in `addLora`; null when all weights are trained. */
  targetModules: MemorySettings['targetModules'] | null;
};

/**
 * Estimates, in bytes, what each picture of a micro-batch adds while it is trained on: the intermediate results of a forward
 * pass with its backward pass.
 *
 * @param className diffusers' name of the transformer's class.
 * @param config Its settings.
 * @returns null when the class is not known.
 */
export function estimatePicture(
  className: string,
  config: object,
  { targetModules, ...size }: PictureSettings,
): number | null {
  const shape = knownClasses[className]?.transformer?.(config as Record<string, unknown>);
  if (shape === undefined) return null;
  const { backward, rowBytes } = estimateTransformer(shape, USUAL_COMPRESSION, {
    ...size,
    batch: 1,
  });
  if (targetModules === null) return backward;
  const paths = selectLoraTargets([...shape.layers.keys()], targetModules);
  const outputs = paths.reduce((sum, path) => sum + (shape.layers.get(path)?.[0] ?? 0), 0);
  return backward + rowBytes * ADAPTER_OUTPUTS * outputs;
}
