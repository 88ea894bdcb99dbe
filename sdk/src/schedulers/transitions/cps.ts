import type { Transition } from './transition';

/**
 * Coefficients-preserving sampling (https://arxiv.org/abs/2509.05952): the step renoises its own predictions so that the
 * total noise stays sigma'.
 *
 *   s    = sigma' sin(eta pi / 2)
 *   mean = (1 - sigma') (x - sigma v) + sqrt(sigma'^2 - s^2) (x + (1 - sigma) v)
 *   x'   = mean + s epsilon
 *
 * `logProb` is the plain negative squared error: neither scaled by the variance nor normalised.
 */
export const cps: Transition = ({ sigma, sigmaNext, noiseLevel }) => {
  const s = sigmaNext * Math.sin((noiseLevel * Math.PI) / 2);
  const kept = Math.sqrt(sigmaNext * sigmaNext - s * s);
  return {
    sampleScale: 1 - sigmaNext + kept,
    velocityScale: kept * (1 - sigma) - (1 - sigmaNext) * sigma,
    noiseScale: s,
    std: s,
    precision: 1,
    logNormalizer: 0,
  };
};
