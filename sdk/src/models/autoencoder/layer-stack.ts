import { tf } from '../../tensorflow';
import { frozenGraph, type FrozenGraph } from '../frozen-graph';
import type { Layer } from './layers';

/**
 * Values of the widest activation (32 MiB) that go through the network at once. Smaller parts pay
 * more for each operation's start; without a bound, memory would grow with the batch.
 */
const VALUES_AT_ONCE = 2 ** 23;

/** An encoder or a decoder: layers that run as one graph, on a few rows of a batch at a time. */
export class LayerStack {
  readonly #graph: FrozenGraph<[rows: tf.Tensor4D], tf.Tensor4D>;

  /** @param name In messages. */
  constructor(name: string, layers: readonly Layer[]) {
    this.#graph = frozenGraph(name, (rows: tf.Tensor4D) =>
      tf.transpose<tf.Tensor4D>(runLayers(layers, tf.transpose(rows, [0, 2, 3, 1])), [0, 3, 1, 2]),
    );
  }

  /**
   * Runs the layers on a batch (B, C, H, W).
   *
   * @param values Values of a row's widest activation.
   * @returns (B, C', H', W')
   */
  run(batch: tf.Tensor4D, values: number): tf.Tensor4D {
    const B = batch.shape[0];
    const atOnce = Math.max(1, Math.floor(VALUES_AT_ONCE / values));
    if (B <= atOnce) return this.#graph.run(batch);
    const parts: tf.Tensor4D[] = [];
    for (let row = 0; row < B; row += atOnce) {
      const size = Math.min(atOnce, B - row);
      const run = () => this.#graph.run(tf.slice(batch, [row, 0, 0, 0], [size, -1, -1, -1]));
      parts.push(tf.tidy(run));
    }
    return tf.concat(parts);
  }

  /** Lets go of the graphs. */
  dispose(): void {
    this.#graph.dispose();
  }
}

/** Runs layers one after another; each activation is freed as soon as the next is there. */
function runLayers(layers: readonly Layer[], input: tf.Tensor4D): tf.Tensor4D {
  return layers.reduce((x, layer) => {
    const y = layer(x);
    if (x !== input) x.dispose();
    return y;
  }, input);
}
