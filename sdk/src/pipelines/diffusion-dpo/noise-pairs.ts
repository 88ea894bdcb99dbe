import { ANYTHING, checkOptions } from '../../core/option-rules';
import type { FlowMatchSchedule } from '../../schedulers';
import { drawNormal, tf, type Generator } from '../../tensorflow';
import { trainingTimes } from './training-times';

/** Pairs, noised. The caller owns the tensors. */
export interface NoisedPairs {
  /** (2 P, ...), the same for both rows of a pair. */
  noise: tf.Tensor;
  /** (2 P) from 0 to 1000, the same for both rows of a pair. */
  timesteps: tf.Tensor1D;
  /** (2 P, ...): x = (1 - sigma) x0 + sigma noise. */
  noisy_latents: tf.Tensor;
}

/** Every row twice, one after the other. */
function twice<X extends tf.Tensor>(x: X): X {
  const [P, ...rest] = x.shape;
  return tf.reshape(tf.stack([x, x], 1), [2 * P, ...rest]) as X;
}

/**
 * Noises (chosen, rejected) pairs for Diffusion-DPO (https://arxiv.org/abs/2311.12908): one draw of noise
 * and time for each pair, so that the two rows differ in nothing but their picture.
 *
 * @param latentsClean (2 P, C, H, W), or (2 P, S, C) packed: rows [chosen 0, rejected 0, chosen 1, ...].
 * @param scheduler On its training schedule, as `StableDiffusion3DPO.buildScheduler` gives it.
 * @param options.generator One stream of random numbers. Default: the default stream.
 * @throws When rows are not pairs, or the scheduler is on a run's schedule.
 * @example
 * const scheduler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });
 * const latentsClean = keyGenerator(0).randn([4, 16, 8, 8]);
 * const { noisy_latents, timesteps } = noisePairs(latentsClean, scheduler, { generator: keyGenerator(1) });
 */
export function noisePairs(
  latentsClean: tf.Tensor,
  scheduler: FlowMatchSchedule,
  options: { generator?: Generator | null } = {},
): NoisedPairs {
  checkOptions('noise pairs', options, { generator: ANYTHING });
  const { generator = null } = options;
  const [B, ...rest] = latentsClean.shape;
  if (B % 2 !== 0) {
    throw new Error(`Cannot noise pairs as rows must be (chosen, rejected) pairs: there are ${B}`);
  }
  return tf.tidy(() => {
    const noise = twice(drawNormal(generator, [B / 2, ...rest]));
    const draws = drawNormal(generator, [B / 2]).dataSync();
    const timesteps = twice(tf.tensor1d(trainingTimes(scheduler, draws).timesteps));
    return {
      noise,
      timesteps,
      noisy_latents: scheduler.scaleNoise(latentsClean, timesteps, noise),
    };
  }) as NoisedPairs;
}
