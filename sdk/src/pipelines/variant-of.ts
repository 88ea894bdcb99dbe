import type { ModelDirectory } from '../io/model-directory';
import { hasWeights, type WeightFilesOptions } from '../io/stored-weights';

/**
 * Which weight files each component of a pipeline is loaded from: those of the variant where there are any, else those
 * of none. Rule: diffusers' `DiffusionPipeline.from_pretrained(variant=)`.
 *
 * @throws When no component has files of the variant.
 */
export function variantOf(
  directory: ModelDirectory,
  variant: string | undefined,
): (component: string) => WeightFilesOptions {
  if (variant === undefined) return () => ({});
  const names = Object.keys(directory.components);
  const having = names.filter((name) => hasWeights(directory.componentPath(name), { variant }));
  if (having.length === 0) {
    throw new Error(
      `Cannot load "${directory.path}" as a component must have weights of variant "${variant}": components are ${names.join(', ')}`,
    );
  }
  return (component) => (having.includes(component) ? { variant } : {});
}
