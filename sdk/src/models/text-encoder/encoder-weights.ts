import { tf } from '../../tensorflow';
import { linear } from '../layers';

/** The frozen weights of a text encoder, copied from a checkpoint. */
export class EncoderWeights {
  readonly #tensors: Map<string, tf.Tensor>;

  /**
   * @param className The encoder's, for messages.
   * @param names Names that the encoder needs; others are left out.
   * @param stateDict Checkpoint tensors by name; they stay the caller's.
   * @param prefix Stands before the names in the checkpoint.
   * @throws When a tensor is missing.
   */
  constructor(
    className: string,
    names: readonly string[],
    stateDict: ReadonlyMap<string, tf.Tensor>,
    prefix = '',
  ) {
    const missing = names.filter((name) => !stateDict.has(prefix + name));
    if (missing.length > 0) {
      throw new Error(
        `Cannot make a ${className} as its checkpoint must hold "${prefix}${missing[0]}": ${missing.length} of ${names.length} tensors are missing`,
      );
    }
    this.#tensors = new Map(
      names.map((name) => [name, tf.keep((stateDict.get(prefix + name) as tf.Tensor).clone())]),
    );
  }

  /** The tensor under `name`. */
  get<T extends tf.Tensor>(name: string): T {
    return this.#tensors.get(name) as T;
  }

  /** The linear layer at `path`, with or without a bias, applied to the last axis of x: (..., in) -> (..., out) */
  linear<X extends tf.Tensor>(path: string, x: X): X {
    const bias = this.#tensors.get(`${path}.bias`) as tf.Tensor1D | undefined;
    return linear(x, this.get<tf.Tensor2D>(`${path}.weight`), bias ?? null);
  }

  /** Frees the weights. */
  dispose(): void {
    tf.dispose([...this.#tensors.values()]);
    this.#tensors.clear();
  }
}
