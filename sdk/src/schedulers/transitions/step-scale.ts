import type { Transition, TransitionPoint } from './transition';

/** What a transition reports, as the losses need to know it. */
export interface StepScale {
  /** Whether `std_dev_t` is the standard deviation of the step's noise, sqrt(dt) included. */
  std_holds_dt: boolean;
  /** Whether log-probabilities are divided by the variance of that noise. */
  log_prob_holds_variance: boolean;
}

/** Any point with noise will do: what a transition reports is the same everywhere. */
const POINT: TransitionPoint = { sigma: 0.75, sigmaNext: 0.5, sigmaSecond: 0.9, noiseLevel: 0.5 };

/**
 * What a transition's `std_dev_t` and log-probabilities hold: GRPO-Guard, Flow-DPPO and the KL terms compare Gaussian
 * steps, and transitions report them on different scales.
 *
 * | transition | std_holds_dt | log_prob_holds_variance |
 * |---|---|---|
 * | sde | false | true |
 * | dance_sde | true | true |
 * | cps | true | false |
 *
 * @example
 * stepScale(transitions.get('cps')); // { std_holds_dt: true, log_prob_holds_variance: false }
 */
export function stepScale(transition: Transition): StepScale {
  const { std, noiseScale, precision } = transition(POINT);
  return {
    std_holds_dt: std === noiseScale,
    log_prob_holds_variance: precision * (2 * noiseScale * noiseScale) > 1 - 1e-9,
  };
}
