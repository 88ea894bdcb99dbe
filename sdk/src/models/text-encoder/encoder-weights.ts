import { tf, toFloat32 } from '../../tensorflow';
import { checkWeights, type ExpectedWeights } from '../check-weights';
import { linear, tableRows } from '../layers';

/** The frozen weights of a text encoder, copied from a checkpoint. */
export class EncoderWeights {
  readonly #tensors: Map<string, tf.Tensor>;

  /**
   * @param className The encoder's, for messages.
   * @param expected Tensors that the encoder needs; others are left out.
   * @param stateDict Checkpoint tensors by name; they stay the caller's.
   * @param prefix What the checkpoint has before the names by which `get` finds them.
   * @throws When a tensor is missing, unknown or of another shape.
   */
  constructor(
    className: string,
    expected: ExpectedWeights,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    prefix = '',
  ) {
    checkWeights(`build ${className}`, expected, stateDict);
    this.#tensors = new Map(
      [...expected.shapes.keys()].map((name) => [
        name.slice(prefix.length),
        tf.keep((stateDict.get(name) as tf.Tensor).clone()),
      ]),
    );
  }

  /** The tensor under `name`. */
  get<T extends tf.Tensor>(name: string): T {
    return this.#tensors.get(name) as T;
  }

  /** The small tensor under `name`, as float32. */
  wide<T extends tf.Tensor>(name: string): T {
    return toFloat32(this.get<T>(name));
  }

  /** Rows of the table under `name`: ids (...) -> (..., C) */
  rows<Rows extends tf.Tensor>(name: string, ids: tf.Tensor): Rows {
    return tableRows(this.get<tf.Tensor2D>(name), ids);
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
