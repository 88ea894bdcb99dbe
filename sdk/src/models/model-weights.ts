import { tf } from '../tensorflow';
import { linear, loraLinear } from './layers';
import type { LoraAdapters } from './lora-adapters';

/** A model's parameters as a forward pass sees them: adapters are part of their layers. */
export class ModelWeights {
  /**
   * @param parameters By checkpoint name.
   * @param adapters Low-rank adapters.
   * @param loraScale Multiplies every adapter's own scale. Default 1.
   */
  constructor(
    readonly parameters: ReadonlyMap<string, tf.Variable>,
    readonly adapters: LoraAdapters,
    readonly loraScale = 1,
  ) {}

  /**
   * The parameter under `name`.
   *
   * @throws When there is none.
   */
  get(name: string): tf.Variable {
    const parameter = this.parameters.get(name);
    if (parameter === undefined) throw new Error(`Cannot find parameter "${name}"`);
    return parameter;
  }

  /** The linear layer at `path` with its active adapters, applied to the last axis of x: (..., in) -> (..., out) */
  linear<X extends tf.Tensor>(path: string, x: X): X {
    const weight = this.get(`${path}.weight`) as tf.Tensor as tf.Tensor2D;
    const bias = this.get(`${path}.bias`) as tf.Tensor as tf.Tensor1D;
    return this.adapters.activeAt(path).reduce(
      (sum, { A, B, rank, alpha }) => {
        const scale = (this.loraScale * alpha) / rank;
        const [down, up] = [A, B] as tf.Tensor[] as tf.Tensor2D[];
        return tf.add<X>(sum, loraLinear(x, down, up, scale));
      },
      linear(x, weight, bias),
    );
  }

  /** All that takes part at `path`: weight, bias, and the active adapters' A and B. */
  parametersOf(path: string): tf.Tensor[] {
    const own = ['weight', 'bias'].flatMap((kind) => this.parameters.get(`${path}.${kind}`) ?? []);
    return [...own, ...this.adapters.activeAt(path).flatMap(({ A, B }) => [A, B])];
  }
}
