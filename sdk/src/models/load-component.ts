import { readComponentConfig, resolveComponentPath } from '../io/model-directory';
import { StoredWeights, type WeightFilesOptions } from '../io/stored-weights';
import { tf } from '../tensorflow';
import { checkWeights, type ExpectedWeights } from './check-weights';
import { storedOrigin, type ComponentOrigin } from './component-origin';

/** How `fromPretrained` of a component finds its weights. */
export type FromPretrainedOptions = WeightFilesOptions;

/** What a kind of model needs to be built from a folder. */
export interface ComponentLoader<Model> {
  /** For messages. */
  className: string;
  /**
   * The tensors that it reads.
   *
   * @param names Those of the checkpoint.
   */
  expected(config: Record<string, unknown>, names: readonly string[]): ExpectedWeights;
  /** Makes the model of config.json and the tensors it reads. */
  build(
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin: ComponentOrigin,
  ): Model;
}

/**
 * Builds a model from a component's folder. The headers are checked first, then only the tensors that the model reads are
 * read; those that it did not take over are freed.
 *
 * @param path The pipeline's folder or the component's own.
 * @param component Name of the component, for example `transformer`.
 * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
 */
export function loadComponent<Model>(
  path: string,
  component: string,
  { className, expected, build }: ComponentLoader<Model>,
  options: FromPretrainedOptions = {},
): Model {
  const folder = resolveComponentPath(path, component);
  const config = readComponentConfig(folder);
  const weights = new StoredWeights(folder, options);
  let stateDict: Map<string, tf.Tensor>;
  try {
    const names = weights.names();
    const wanted = expected(config, names);
    const found = names.map(
      (name) => [name, { shape: weights.info(name).shape, path: weights.path(name) }] as const,
    );
    checkWeights(`load ${className} from "${folder}"`, wanted, new Map(found));
    stateDict = weights.tensors(wanted.shapes.keys());
  } finally {
    weights.close();
  }
  try {
    return build(config, stateDict, storedOrigin(folder, options));
  } finally {
    tf.dispose([...stateDict.values()]);
  }
}
