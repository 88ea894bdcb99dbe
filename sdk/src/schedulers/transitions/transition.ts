/** Where on the schedule a step is taken. Plain numbers; sigmas are exact float32 values. */
export interface TransitionPoint {
  /** Noise level before the step. */
  sigma: number;
  /** Noise level after the step. */
  sigmaNext: number;
  /** Second noise level of the schedule: stands in for 1 where a formula divides by 1 - sigma. */
  sigmaSecond: number;
  /** eta, how much noise the step adds; 0 is the ODE. */
  noiseLevel: number;
}

/**
 * A Gaussian step, linear in the sample x and the velocity v (the model's output, noise - data):
 *
 *   mean    = sampleScale * x + velocityScale * v
 *   x'      = mean + noiseScale * epsilon,  epsilon ~ N(0, 1)
 *   logProb = -precision * (x' - mean)^2 [- logNormalizer], averaged over all elements of a row
 */
export interface GaussianStep {
  sampleScale: number;
  velocityScale: number;
  noiseScale: number;
  /** What the step reports as std_dev_t; whether it holds sqrt(-dt) is the transition's own affair. */
  std: number;
  precision: number;
  logNormalizer: number;
}

/**
 * A kind of reverse step, as a pure function of one point. Register an own one under a new name in `transitions`, and
 * `step` takes it as `sdeType`.
 *
 * @example
 * transitions.register('ode', ({ sigma, sigmaNext }) => ({
 *   sampleScale: 1, velocityScale: sigmaNext - sigma, noiseScale: 0, std: 0, precision: 1, logNormalizer: 0,
 * }));
 */
export type Transition = (point: TransitionPoint) => GaussianStep;

/** ln sqrt(2 pi), the part of a Gaussian's normaliser that has no scale. */
export const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);
