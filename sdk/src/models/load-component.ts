import { ANYTHING, checkOptions, TEXT, type Rules } from '../core/option-rules';
import { readComponentConfig, resolveComponentPath } from '../io/model-directory';
import { StoredWeights, type WeightFilesOptions } from '../io/stored-weights';
import { tf } from '../tensorflow';
import { announceSlowBfloat16 } from '../tensorflow/bfloat16-products';
import { checkWeights, type ExpectedWeights } from './check-weights';
import { storedOrigin, type ComponentOrigin } from './component-origin';
import { holdingOf, type ModelDtype } from './model-dtype';

/** How `fromPretrained` of a component finds its weights, and in which type it computes. */
export interface FromPretrainedOptions extends WeightFilesOptions {
  /** Default `float32`. */
  dtype?: ModelDtype;
}

const RULES: Rules<FromPretrainedOptions> = { dtype: ANYTHING, variant: TEXT };

/** What a kind of model needs to be built from a folder. */
export interface ComponentLoader<Model> {
  /** For messages. */
  className: string;
  /** What it computes in. Default: every type. */
  dtypes?: readonly ModelDtype[];
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
 * @throws When there is no such option, and when a file or a tensor is missing, unknown or of another shape; the message names
 *   both. When the type cannot be had.
 */
export function loadComponent<Model>(
  path: string,
  component: string,
  { className, dtypes, expected, build }: ComponentLoader<Model>,
  options: FromPretrainedOptions = {},
): Model {
  checkOptions(`load ${className} from "${path}"`, options, RULES);
  const { dtype = 'float32', ...files } = options;
  const folder = resolveComponentPath(path, component);
  const holdAs = holdingOf(dtype, `load ${className} from "${folder}"`, dtypes);
  if (dtype === 'bfloat16') announceSlowBfloat16();
  const config = readComponentConfig(folder);
  const weights = new StoredWeights(folder, files);
  let stateDict: Map<string, tf.Tensor>;
  try {
    const names = weights.names();
    const wanted = expected(config, names);
    const found = names.map(
      (name) => [name, { shape: weights.info(name).shape, path: weights.path(name) }] as const,
    );
    checkWeights(`load ${className} from "${folder}"`, wanted, new Map(found));
    stateDict = weights.tensors(wanted.shapes.keys(), holdAs);
  } finally {
    weights.close();
  }
  try {
    return build(config, stateDict, storedOrigin(folder, files, dtype));
  } finally {
    tf.dispose([...stateDict.values()]);
  }
}
