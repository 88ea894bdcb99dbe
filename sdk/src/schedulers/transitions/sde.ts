import { LOG_SQRT_2PI, type Transition } from './transition';

/**
 * FlowGRPO's reverse SDE (https://arxiv.org/abs/2505.05470, equation 9). With h = -dt = sigma - sigma':
 *
 *   s    = eta sqrt(sigma / (1 - sigma))         (at sigma = 1 the second sigma stands in below the line)
 *   mean = x (1 + s^2 dt / (2 sigma)) + v (1 + s^2 (1 - sigma) / (2 sigma)) dt
 *   x'   = mean + s sqrt(h) epsilon
 *
 * `std` is s, without sqrt(h).
 */
export const sde: Transition = ({ sigma, sigmaNext, sigmaSecond, noiseLevel }) => {
  const dt = sigmaNext - sigma;
  const s = noiseLevel * Math.sqrt(sigma / (1 - (sigma === 1 ? sigmaSecond : sigma)));
  const drift = (s * s) / (2 * sigma);
  const noiseScale = s * Math.sqrt(-dt);
  return {
    sampleScale: 1 + drift * dt,
    velocityScale: (1 + drift * (1 - sigma)) * dt,
    noiseScale,
    std: s,
    precision: 1 / (2 * noiseScale * noiseScale),
    logNormalizer: Math.log(noiseScale) + LOG_SQRT_2PI,
  };
};
