import { tf } from '../../tensorflow';

/** Kernels that `upsamplingConvolution` makes four times as large. */
const UPSAMPLING = /\.upsamplers\.0\.(resample\.1|conv)\.weight$/;

/** Values that are kept in memory of a tensor of the checkpoint: one slice of a 3D kernel, four kernels for an upsampling. */
export function keptValues(name: string, shape: readonly number[]): number {
  const values = shape.reduce((product, length) => product * length, 1);
  if (shape.length === 5) return values / shape[2];
  return UPSAMPLING.test(name) ? 4 * values : values;
}

/** A 2D convolution in TensorFlow's layout. */
export interface Convolution {
  /** (kh, kw, in, out). */
  kernel: tf.Tensor4D;
  /** (out). */
  bias: tf.Tensor1D;
}

/**
 * Takes an autoencoder's checkpoint apart into the tensors that single pictures need, channels last.
 *
 * A checkpoint's causal 3D convolutions pad two zero frames before the first, so for one frame
 * only the last temporal slice of a kernel meets anything but zeros: it is a 2D convolution.
 */
export class VaeWeights {
  readonly #kept: tf.Tensor[] = [];

  /**
   * @param className The autoencoder's, for messages.
   * @param stateDict Checkpoint tensors by name; they stay the caller's.
   */
  constructor(
    readonly className: string,
    readonly stateDict: ReadonlyMap<string, tf.Tensor>,
  ) {}

  /** The convolution `name`, 2D or causal 3D in the file. */
  convolution(name: string): Convolution {
    return { kernel: this.#keep(() => this.#kernel(name)), bias: this.tensor(`${name}.bias`) };
  }

  /**
   * Nearest upsampling by 2 and then the 3x3 convolution `name`, as one convolution before a
   * depth-to-space: its kernel is (3, 3, in, 4 out), and a pixel of the fine grid reads only the
   * coarse pixels that its 3x3 window touches, with the weights that fall on each of them summed.
   */
  upsamplingConvolution(name: string): Convolution {
    return {
      kernel: this.#keep(() => splitByParity(this.#kernel(name))),
      bias: this.tensor(`${name}.bias`),
    };
  }

  /** The tensor `name` in the file's layout, or what `change` makes of it. */
  tensor<Kept extends tf.Tensor>(
    name: string,
    change: (tensor: tf.Tensor) => tf.Tensor = (tensor) => tensor.clone(),
  ): Kept {
    return this.#keep(() => change(this.#find(name)) as Kept);
  }

  /** Frees all tensors that were handed out. */
  dispose(): void {
    tf.dispose(this.#kept.splice(0));
  }

  #kernel(name: string): tf.Tensor4D {
    let kernel = this.#find(`${name}.weight`);
    if (kernel.rank === 5) {
      const [out, channels, frames, height, width] = kernel.shape;
      kernel = kernel
        .slice([0, 0, frames - 1, 0, 0], [out, channels, 1, height, width])
        .reshape([out, channels, height, width]);
    }
    return tf.transpose(kernel, [2, 3, 1, 0]) as tf.Tensor4D;
  }

  #find(name: string): tf.Tensor {
    const tensor = this.stateDict.get(name);
    if (tensor === undefined) {
      throw new Error(
        `Cannot make an ${this.className} as its checkpoint must hold "${name}": current value has ${this.stateDict.size} other tensors`,
      );
    }
    return tensor;
  }

  #keep<Kept extends tf.Tensor>(make: () => Kept): Kept {
    const tensor = tf.keep(tf.tidy(make));
    this.#kept.push(tensor);
    return tensor;
  }
}

/** (3, 3, in, out) on the fine grid -> (3, 3, in, 4 out) on the coarse one, fine row first. */
function splitByParity(kernel: tf.Tensor4D): tf.Tensor4D {
  const [, , channels, out] = kernel.shape;
  // taps[parity][coarse - fine tap]: an even fine row reads the coarse rows -1, 0, 0 around it and
  // an odd one 0, 0, 1.
  const taps = tf.tensor3d([
    [
      [1, 0, 0],
      [0, 1, 1],
      [0, 0, 0],
    ],
    [
      [0, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ],
  ]); // (parity, coarse, fine)
  const both = taps.reshape([6, 3]) as tf.Tensor2D;
  const rows = tf
    .matMul(both, kernel.reshape([3, 3 * channels * out])) // (py cy, fx in out)
    .reshape([6, 3, channels * out])
    .transpose([1, 0, 2])
    .reshape([3, 6 * channels * out]) as tf.Tensor2D;
  return tf
    .matMul(both, rows) // (px cx, py cy in out)
    .reshape([2, 3, 2, 3, channels, out])
    .transpose([3, 1, 4, 2, 0, 5]) // (cy, cx, in, py, px, out)
    .reshape([3, 3, channels, 4 * out]) as tf.Tensor4D;
}
