import { readComponentConfig, resolveComponentPath } from '../io/model-directory';
import { readStateDict } from '../io/state-dict';
import { tf } from '../tensorflow';

/**
 * Builds a model from a component's folder and frees the tensors that were read and not taken over.
 *
 * @param path The pipeline's folder or the component's own.
 * @param component Name of the component, for example `transformer`.
 * @param build Given config.json and the weights by name.
 */
export function loadComponent<Model>(
  path: string,
  component: string,
  build: (config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) => Model,
): Model {
  const folder = resolveComponentPath(path, component);
  const stateDict = readStateDict(folder);
  try {
    return build(readComponentConfig(folder), stateDict);
  } finally {
    tf.dispose([...stateDict.values()]);
  }
}
