import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/cell-signal';
import type { FlowMatchSDEDiscreteScheduler, SdeWindow } from '../schedulers';
import { tf, type Generator } from '../tensorflow';

/** What the denoising loop needs. */
export interface DenoiseSettings {
  scheduler: FlowMatchSDEDiscreteScheduler;
  /** The velocity at latents (B, ...) and time (B), from 0 to 1000. */
  velocity: (latents: tf.Tensor, timestep: tf.Tensor1D) => tf.Tensor | Promise<tf.Tensor>;
  /** N times, falling, all of the scheduler's. */
  timesteps: ArrayLike<number>;
  /** eta within the window; outside of it the step is the ODE's. */
  noiseLevel: number;
  /** One for all rows, or one a row, all of one length. */
  window: SdeWindow | readonly SdeWindow[];
  sdeType: string;
  generator: Generator | readonly Generator[] | null;
  logprobs: boolean;
  signal: AbortSignal | null;
  /** Called after each step with the latents that it led to. */
  onStep?: ((step: number, latents: tf.Tensor) => void | Promise<void>) | null;
}

/** What the loop leaves. The caller owns the tensors. */
export interface Trajectory {
  /** (B, ...) after the last step. */
  latents: tf.Tensor;
  /** (B, W + 1, ...) */
  allLatents: tf.Tensor;
  /** (B, W), or null without `logprobs`. */
  allLogProbs: tf.Tensor2D | null;
  /** (B, W) */
  allTimesteps: tf.Tensor2D;
}

function windowsOf(window: SdeWindow | readonly SdeWindow[], B: number): SdeWindow[] {
  const windows = (
    typeof window[0] === 'number' ? Array<SdeWindow>(B).fill(window as SdeWindow) : [...window]
  ) as SdeWindow[];
  const lengths = new Set(windows.map(([start, end]) => end - start));
  if (windows.length !== B || lengths.size > 1) {
    throw new Error(
      `Cannot denoise as there must be one SDE window for each of the ${B} rows, all of one length: current value is ${JSON.stringify(window)}`,
    );
  }
  return windows;
}

/** eta of each row at a step: a number when all rows agree. */
function noiseLevelsAt(windows: SdeWindow[], step: number, eta: number): number | number[] {
  const levels = windows.map(([start, end]) => (start <= step && step < end ? eta : 0));
  return levels.every((level) => level === levels[0]) ? levels[0] : levels;
}

/** Row b of the result is row b of `columns[from(b)]`; columns are (B, ...) tensors. */
function selectRows(columns: tf.Tensor[], from: (row: number) => number, B: number): tf.Tensor {
  const sources = Array.from({ length: B }, (_, row) => from(row));
  if (sources.every((source) => source === sources[0])) return columns[sources[0]];
  const rows = sources.map((source, row) => tf.gather(columns[source], [row]));
  return tf.concat(rows);
}

/**
 * Walks from noise to data: N reverse steps, with noise inside the window and without it outside, and
 * keeps what happened inside the window. Gives the event loop a turn at each step.
 *
 * @param latents (B, ...) noise; stays the caller's.
 * @throws The signal's reason once it is aborted; nothing is leaked then.
 */
export async function denoise(latents: tf.Tensor, settings: DenoiseSettings): Promise<Trajectory> {
  const { scheduler, timesteps, noiseLevel, sdeType, generator, logprobs, signal } = settings;
  const [B] = latents.shape;
  const windows = windowsOf(settings.window, B);
  const first = Math.min(...windows.map(([start]) => start));
  const end = Math.max(...windows.map(([, last]) => last));
  if (first < 0 || end > timesteps.length || end <= first) {
    throw new Error(
      `Cannot denoise as the SDE window must lie within the ${timesteps.length} steps: current value is ${JSON.stringify(settings.window)}`,
    );
  }
  const W = windows[0][1] - windows[0][0];
  const visited: tf.Tensor[] = [];
  const logProbs: tf.Tensor1D[] = [];
  let x = latents.clone();
  try {
    for (let step = 0; step < timesteps.length; step++) {
      throwIfAborted(signal);
      await setImmediate();
      if (step === first) visited.push(x);
      const timestep = timesteps[step];
      const times = tf.fill([B], timestep) as tf.Tensor1D;
      let v: tf.Tensor | null = null;
      let stepped: tf.Tensor[];
      try {
        const velocity = (v = await settings.velocity(x, times));
        stepped = tf.tidy(() => {
          const [previous, lp] = scheduler.samplePreviousStep(x, velocity, {
            stepIndex: step,
            generator,
            noiseLevel: noiseLevelsAt(windows, step, noiseLevel),
            sdeType,
            returnLogprobs: logprobs && first <= step && step < end,
          });
          return lp === null ? [previous] : [previous, lp];
        });
      } finally {
        times.dispose();
        v?.dispose();
      }
      const [next, ...logProb] = stepped;
      if (!visited.includes(x)) x.dispose();
      x = next;
      if (first <= step && step < end) visited.push(x);
      logProbs.push(...(logProb as tf.Tensor1D[]));
      await settings.onStep?.(step, x);
    }
    const collect = (columns: tf.Tensor[], length: number) =>
      tf.tidy(() => {
        const column = (at: number) =>
          selectRows(columns, (row) => windows[row][0] - first + at, B);
        return tf.stack(
          Array.from({ length }, (_, at) => column(at)),
          1,
        );
      });
    const times = windows.map(([start]) =>
      Array.from({ length: W }, (_, at) => timesteps[start + at]),
    );
    return {
      latents: x.clone(),
      allLatents: collect(visited, W + 1),
      allLogProbs: logprobs ? (collect(logProbs, W) as tf.Tensor2D) : null,
      allTimesteps: tf.tensor2d(times, [B, W]),
    };
  } finally {
    tf.dispose([x, ...visited, ...logProbs]);
  }
}
