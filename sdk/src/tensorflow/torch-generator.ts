import { TorchRandom } from '../core/torch-random';
import { tf } from './backend';
import type { Generator } from './generator';
import { noiseSize } from './noise-size';

/**
 * The stream of `torch.Generator(device='cpu').manual_seed(seed)`: `randn` gives what `torch.randn(shape, generator=g)` gives,
 * bit for bit, and `integer` what `torch.randint` gives, so that a PyTorch rollout can be repeated number by number.
 *
 * Draws share one state, and rows are drawn together: unlike with `keyGenerator`, the numbers of a row depend on the whole
 * shape. Give each row a generator of its own where that matters.
 *
 * @param seed As `torch.manual_seed` takes it: an integer from -2^63 to 2^64 - 1, a bigint beyond 2^53.
 * @throws When the seed is not one.
 * @example
 * const noise = torchGenerator(42).randn([2, 16, 16]);
 */
export function torchGenerator(seed: number | bigint): Generator {
  const random = new TorchRandom(seed);
  return {
    randn: (shape) => tf.tensor(random.normal(noiseSize(shape)), shape, 'float32'),
    integer: (low, high) => random.integer(low, high),
  };
}
