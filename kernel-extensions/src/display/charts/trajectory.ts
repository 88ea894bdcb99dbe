import { format } from '../numbers';
import { inWords, refuse } from '../refuse';
import { requireRecord } from '../require-data';
import { isTensorLike, readNumbers, type TensorLike } from '../tensor-like';

/** What a rollout kept of its way from noise to picture: the `customOutput` of a pipeline. */
export interface Trajectory {
  /** Latents before the first kept step and after each: (B, W+1, S, C) packed, or (B, W+1, C, h, w). */
  readonly all_latents: TensorLike;
  /** The model's time at each kept step: (B, W), 1000 = pure noise. */
  readonly all_timesteps?: TensorLike | null;
  /** Log-probability of each kept step: (B, W), mean over the latent's numbers. */
  readonly all_log_probs?: TensorLike | null;
}

/** @throws if a value is no trajectory. */
export function requireTrajectory(action: string, value: Trajectory): void {
  requireRecord(action, 'a trajectory { all_latents }', value);
  if (isTensorLike(value.all_latents)) return;
  refuse(action, 'all_latents must be a tensor', inWords(value.all_latents));
}

/** Row `sample` of (B, W) numbers, such as the steps' log-probabilities. */
export function rowOf(values: TensorLike | null | undefined, sample: number): number[] | null {
  if (!values) return null;
  const width = values.shape[values.shape.length - 1];
  const numbers = readNumbers(values);
  const rows = numbers.length / width;
  const start = Math.min(sample, rows - 1) * width;
  return Array.from({ length: width }, (_, i) => numbers[start + i]);
}

/** What a state is called: its time, or its number. */
export function stateLabel(state: number, states: number, timesteps: number[] | null): string {
  if (timesteps && state < timesteps.length) return `t ${format(Math.round(timesteps[state]))}`;
  return state === states - 1 ? 'last' : `state ${state}`;
}

/** 0 up to `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** At most `most` of `count` indices, evenly, with the first and the last. */
export function spread(count: number, most: number): number[] {
  if (count <= most) return range(count);
  return range(most).map((index) => Math.round((index * (count - 1)) / (most - 1)));
}
