import { betaQuantile } from './beta-quantile';
import type { FlowMatchSchedulerConfig } from './scheduler-config';

/** Noise levels and the timesteps that stand for them. */
export interface Schedule {
  /** float32, one a step, and after `setTimesteps` one more at the end. */
  sigmas: Float32Array;
  /** float32, one a step: sigma * N. */
  timesteps: Float32Array;
}

/** What `setTimesteps` was asked for; `count` is known by then. */
export interface ScheduleRequest {
  count: number;
  sigmas?: ArrayLike<number> | null;
  timesteps?: ArrayLike<number> | null;
  mu?: number | null;
}

/** Rounds after every operation: to float32, or not at all. */
type Round = (value: number) => number;

const float64: Round = (value) => value;

/** The whole training schedule: sigma = t / N for t = N ... 1, shifted unless the shift is dynamic. No terminal sigma. */
export function trainingSchedule(config: FlowMatchSchedulerConfig, shift: number): Schedule {
  const N = config.num_train_timesteps;
  const sigmas = Float32Array.from({ length: N }, (_, index) => (N - index) / N);
  if (!config.use_dynamic_shifting) {
    sigmas.forEach((sigma, index) => (sigmas[index] = shiftStatically(sigma, shift, Math.fround)));
  }
  return { sigmas, timesteps: sigmas.map((sigma) => sigma * N) };
}

/**
 * The schedule of a run, by diffusers' rule and in its precision: given numbers are float32 from the start, default ones
 * float64 up to the end.
 *
 * @param range First and last sigma of the training schedule.
 */
export function inferenceSchedule(
  config: FlowMatchSchedulerConfig,
  shift: number,
  range: { sigmaMax: number; sigmaMin: number },
  request: ScheduleRequest,
): Schedule {
  const N = config.num_train_timesteps;
  const { count, mu } = request;
  const round = request.sigmas || request.timesteps ? Math.fround : float64;

  let sigmas = startingSigmas(N, range, request);
  sigmas = config.use_dynamic_shifting
    ? sigmas.map((sigma) => shiftByImageSize(sigma, mu as number, config.time_shift_type, round))
    : sigmas.map((sigma) => shiftStatically(sigma, shift, round));
  if (config.shift_terminal) sigmas = stretchToTerminal(sigmas, config.shift_terminal, round);

  const [first, last] = [sigmas[0], sigmas[count - 1]];
  if (config.use_karras_sigmas) sigmas = karrasSigmas(first, last, count);
  if (config.use_exponential_sigmas) sigmas = exponentialSigmas(first, last, count);
  if (config.use_beta_sigmas) sigmas = betaSigmas(first, last, count);

  const steps = Float32Array.from(sigmas, (sigma) =>
    config.invert_sigmas ? 1 - Math.fround(sigma) : sigma,
  );
  const keepTimesteps = request.timesteps && !config.invert_sigmas;
  return {
    sigmas: Float32Array.from([...steps, config.invert_sigmas ? 1 : 0]),
    timesteps: keepTimesteps
      ? Float32Array.from(request.timesteps as ArrayLike<number>)
      : steps.map((sigma) => sigma * N),
  };
}

function startingSigmas(
  N: number,
  { sigmaMax, sigmaMin }: { sigmaMax: number; sigmaMin: number },
  { count, sigmas, timesteps }: ScheduleRequest,
): number[] {
  if (sigmas) return Array.from(sigmas, Math.fround);
  if (timesteps) return Array.from(timesteps, (t) => Math.fround(Math.fround(t) / N));
  return linspace(sigmaMax * N, sigmaMin * N, count).map((t) => t / N);
}

/** `count` numbers from `start` to `stop`, both included; one number is `start`. */
function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, k) =>
    k > 0 && k === count - 1 ? stop : start + (k === 0 ? 0 : k * step),
  );
}

/** s sigma / (1 + (s-1) sigma). */
function shiftStatically(sigma: number, shift: number, round: Round): number {
  const below = round(1 + round(round(shift - 1) * sigma));
  return round(round(round(shift) * sigma) / below);
}

/** a / (a + (1/sigma - 1)) with a = e^mu or mu. */
function shiftByImageSize(
  sigma: number,
  mu: number,
  type: 'exponential' | 'linear',
  round: Round,
): number {
  const a = round(type === 'exponential' ? Math.exp(mu) : mu);
  return round(a / round(a + round(round(1 / sigma) - 1)));
}

/** 1 - (1-sigma)/k, where k makes the last sigma `terminal`. */
function stretchToTerminal(sigmas: number[], terminal: number, round: Round): number[] {
  const last = round(1 - sigmas[sigmas.length - 1]);
  const k = round(last / round(1 - terminal));
  return sigmas.map((sigma) => round(1 - round(round(1 - sigma) / k)));
}

/** Karras et al. (2022), equation 5, rho = 7. */
function karrasSigmas(first: number, last: number, count: number): number[] {
  const [a, b] = [first ** (1 / 7), last ** (1 / 7)];
  return linspace(0, 1, count).map((r) => (a + r * (b - a)) ** 7);
}

/** Evenly spaced logarithms. */
function exponentialSigmas(first: number, last: number, count: number): number[] {
  return linspace(Math.log(first), Math.log(last), count).map(Math.exp);
}

/** Quantiles of Beta(0.6, 0.6), after "Beta sampling is all you need" (Lee et al., 2024). */
function betaSigmas(first: number, last: number, count: number): number[] {
  return linspace(0, 1, count).map((r) => last + betaQuantile(1 - r, 0.6, 0.6) * (first - last));
}
