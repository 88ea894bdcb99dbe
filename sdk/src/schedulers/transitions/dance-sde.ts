import { LOG_SQRT_2PI, type Transition } from './transition';

/**
 * DanceGRPO's reverse SDE (https://arxiv.org/abs/2505.07818), with h = -dt and the score q = -(x + (1 - sigma) v) / sigma:
 *
 *   s    = eta sqrt(h)
 *   mean = x + v dt - eta^2 q dt / 2
 *   x'   = mean + s epsilon
 *
 * `std` is s, with sqrt(h) in it.
 */
export const danceSde: Transition = ({ sigma, sigmaNext, noiseLevel }) => {
  const dt = sigmaNext - sigma;
  const s = noiseLevel * Math.sqrt(-dt);
  const drift = (0.5 * noiseLevel * noiseLevel * dt) / sigma;
  return {
    sampleScale: 1 + drift,
    velocityScale: dt + drift * (1 - sigma),
    noiseScale: s,
    std: s,
    precision: 1 / (2 * s * s),
    logNormalizer: Math.log(s) + LOG_SQRT_2PI,
  };
};
