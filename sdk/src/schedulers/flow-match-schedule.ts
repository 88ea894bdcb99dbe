import { join } from 'node:path';
import { drawOrDescribe, jupyterDisplay, type MimeBundle } from '../core/jupyter-display';
import { ANYTHING, checkOptions, type Rules } from '../core/option-rules';
import { DIFFUSERS_VERSION, writeJson } from '../io/write-json';
import { showValue } from '../core/show-value';
import { checkDevice, tf } from '../tensorflow';
import {
  completeConfig,
  optionsFromConfig,
  SHIFT,
  type FlowMatchSchedulerConfig,
  type FlowMatchSchedulerOptions,
} from './scheduler-config';
import { inferenceSchedule, trainingSchedule, type Schedule } from './sigmas';
import { checkOperands, rowValues, type Timesteps } from './step-operands';

const DIFFUSERS_CLASS = 'FlowMatchEulerDiscreteScheduler';

/** Options of `setTimesteps`; null and undefined both mean "not given". */
export interface SetTimestepsOptions {
  /** 'cpu' or 'cuda'. Checked against what this process has, moves nothing. */
  device?: string | null;
  /** Noise levels before shifting, one a step, in (0, 1]; none above the one before it. */
  sigmas?: ArrayLike<number> | null;
  /** The shift for the image size; needed with dynamic shifting. See `calculateShift`. */
  mu?: number | null;
  /** Timesteps, one a step, above 0 and up to N, none above the one before it; kept as given. */
  timesteps?: ArrayLike<number> | null;
}

const TIMESTEPS_RULES: Rules<SetTimestepsOptions> = {
  device: ANYTHING,
  sigmas: ANYTHING,
  mu: ANYTHING,
  timesteps: ANYTHING,
};

/**
 * The schedule that flow-matching samplers walk along: sigmas, timesteps and the current place.
 *
 * x_sigma = (1 - sigma) x0 + sigma noise. After construction the schedule is the training one (N sigmas, no terminal 0);
 * `setTimesteps` replaces it by a run's (n timesteps, n + 1 sigmas).
 */
export abstract class FlowMatchSchedule {
  /** Library and class, as model_index.json names them. */
  readonly modelIndexEntry = ['diffusers', DIFFUSERS_CLASS] as const;
  /** The settings, with diffusers' keys. */
  readonly config: FlowMatchSchedulerConfig;
  /** Largest sigma of the training schedule. */
  readonly sigmaMax: number;
  /** Smallest sigma of the training schedule. */
  readonly sigmaMin: number;
  #schedule: Schedule;
  #shift: number;
  #numInferenceSteps: number | null = null;
  #beginIndex: number | null = null;
  #tensors: { timesteps?: tf.Tensor1D; sigmas?: tf.Tensor1D } = {};
  protected currentStep: number | null = null;

  constructor(options: FlowMatchSchedulerOptions = {}) {
    this.config = completeConfig(options);
    this.#shift = this.config.shift;
    this.#schedule = trainingSchedule(this.config, this.#shift);
    this.sigmaMax = this.#schedule.sigmas[0];
    this.sigmaMin = this.#schedule.sigmas[this.#schedule.sigmas.length - 1];
  }

  /** The schedule as a chart, or in words. */
  [jupyterDisplay](): Promise<MimeBundle> {
    return drawOrDescribe(this, () => {
      const sigmas = Array.from(this.sigmaValues, (sigma) => sigma.toFixed(4)).join(', ');
      return `${this.timestepValues.length} steps, sigmas ${sigmas}`;
    });
  }

  /**
   * Writes `<folder>/scheduler_config.json`. The class that it names is diffusers' Euler scheduler, which has the same
   * settings and takes the same steps where no noise is asked for.
   */
  savePretrained(folder: string): void {
    const about = { _class_name: DIFFUSERS_CLASS, _diffusers_version: DIFFUSERS_VERSION };
    writeJson(join(folder, 'scheduler_config.json'), { ...about, ...this.config });
  }

  /** The timesteps, float32. */
  get timestepValues(): Float32Array {
    return this.#schedule.timesteps;
  }

  /** The noise levels, float32. */
  get sigmaValues(): Float32Array {
    return this.#schedule.sigmas;
  }

  /** `timestepValues` as a tensor (n), owned by the scheduler until `setTimesteps` or `dispose`. */
  get timesteps(): tf.Tensor1D {
    return (this.#tensors.timesteps ??= tf.keep(tf.tensor1d(this.timestepValues)));
  }

  /** `sigmaValues` as a tensor (n + 1), owned by the scheduler until `setTimesteps` or `dispose`. */
  get sigmas(): tf.Tensor1D {
    return (this.#tensors.sigmas ??= tf.keep(tf.tensor1d(this.sigmaValues)));
  }

  /** Steps of the run, or null before `setTimesteps`. */
  get numInferenceSteps(): number | null {
    return this.#numInferenceSteps;
  }

  /** Index of the next step, or null before the first. */
  get stepIndex(): number | null {
    return this.currentStep;
  }

  /** Index of the first step, or null when it is found from the first timestep. */
  get beginIndex(): number | null {
    return this.#beginIndex;
  }

  /** The static shift in use. */
  get shift(): number {
    return this.#shift;
  }

  /**
   * Sets the first step's index, for runs that start in the middle.
   *
   * @param beginIndex null: none, as after `setTimesteps`; the first step is found by its timestep, the others follow it.
   * @throws When the schedule has no such timestep.
   */
  setBeginIndex(beginIndex: number | null = 0): void {
    const last = this.timestepValues.length - 1;
    const isStep = (index: number) => Number.isInteger(index) && index >= 0 && index <= last;
    if (beginIndex !== null && !isStep(beginIndex)) {
      throw new Error(
        `Cannot set the begin index as it must be a whole number from 0 to ${last}, or null: current value is ${showValue(beginIndex)}`,
      );
    }
    this.#beginIndex = beginIndex;
  }

  /**
   * Sets the static shift for the next `setTimesteps`.
   *
   * @throws When it is not what the option `shift` may be.
   */
  setShift(shift: number): void {
    const [rule, allows] = SHIFT;
    if (!allows(shift)) {
      throw new Error(
        `Cannot set the shift as it must be ${rule}: current value is ${showValue(shift)}`,
      );
    }
    this.#shift = shift;
  }

  /**
   * A scheduler of its own with the same settings, shift and schedule, at its start: for a run beside others.
   *
   * @example
   * const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
   * scheduler.setTimesteps(10);
   * const other = scheduler.copy();
   * scheduler.setTimesteps(4);
   * other.timestepValues.length; // 10
   */
  copy(): this {
    const Scheduler = this.constructor as new (options: FlowMatchSchedulerOptions) => this;
    const copy = new Scheduler(optionsFromConfig({ ...this.config }));
    copy.#shift = this.#shift;
    copy.#numInferenceSteps = this.#numInferenceSteps;
    copy.#schedule = {
      sigmas: this.sigmaValues.slice(),
      timesteps: this.timestepValues.slice(),
    };
    return copy;
  }

  /**
   * Lays out a run's schedule and returns to its start.
   *
   * The rule is diffusers': start from `sigmas`, else from `timesteps` / N, else evenly from sigmaMax to sigmaMin; shift
   * (so default sigmas of a static shift are shifted twice); stretch to `shift_terminal`; convert (Karras, exponential,
   * beta); append 0.
   *
   * @param numInferenceSteps Number of steps; may be left out when `sigmas` or `timesteps` are given.
   * @throws Without `mu` under dynamic shifting, when lengths disagree, and when noise levels or timesteps rise.
   *
   * @example
   * const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
   * scheduler.setTimesteps(10);
   * scheduler.sigmaValues.length; // 11
   */
  setTimesteps(numInferenceSteps?: number | null, options: SetTimestepsOptions = {}): void {
    checkOptions('set timesteps', options, TIMESTEPS_RULES);
    const { device, sigmas, mu, timesteps } = options;
    checkDevice(device);
    if (this.config.use_dynamic_shifting && !Number.isFinite(mu)) {
      throw new Error(
        `Cannot set timesteps as mu must be a number under dynamic shifting: current value is ${showValue(mu)}`,
      );
    }
    checkFalling('sigmas', sigmas, 1);
    checkFalling('timesteps', timesteps, this.config.num_train_timesteps);
    const count = countSteps(numInferenceSteps, sigmas, timesteps);
    this.dispose();
    this.#schedule = inferenceSchedule(this.config, this.#shift, this, {
      count,
      sigmas,
      timesteps,
      mu,
    });
    this.#numInferenceSteps = count;
    this.currentStep = null;
    this.#beginIndex = null;
  }

  /**
   * Index of a timestep, found by exact float32 equality. Of equal ones the second is taken, so that a run that starts in
   * the middle does not skip a sigma (diffusers' rule).
   *
   * @param timestep One value: rows at different steps are for `samplePreviousStep`.
   * @throws When the schedule does not hold it.
   */
  indexForTimestep(timestep: number | tf.Tensor): number {
    if (typeof timestep !== 'number' && timestep.size !== 1) {
      throw new Error(
        `Cannot find a timestep as it must be one value for all rows: current number is ${timestep.size}`,
      );
    }
    const t = typeof timestep === 'number' ? Math.fround(timestep) : timestep.dataSync()[0];
    const first = this.timestepValues.indexOf(t);
    if (first < 0) {
      const { length } = this.timestepValues;
      throw new Error(
        `Cannot find timestep ${t} as it must be one of the ${length} in scheduler.timesteps: ${preview(this.timestepValues)}`,
      );
    }
    const second = this.timestepValues.indexOf(t, first + 1);
    return second < 0 ? first : second;
  }

  /**
   * Noises data: sigma * noise + (1 - sigma) * sample, with the sigma of each row's timestep (or of the current step, or of
   * the begin index, when a run has begun).
   *
   * @param sample (B, ...) data, float32.
   * @param timestep One for all rows, or one a row.
   * @param noise Same shape as `sample`, float32.
   * @throws On unequal shapes, on a dtype other than float32, on timesteps that are not one a row or not in the schedule.
   */
  scaleNoise<X extends tf.Tensor>(sample: X, timestep: Timesteps, noise: tf.Tensor): X {
    checkOperands('noise data', { sample, noise });
    const known = this.beginIndex === null ? null : (this.stepIndex ?? this.beginIndex);
    const { values } = rowValues('noise data', 'timestep', timestep, sample.shape[0]);
    const indices = values.map((t) => known ?? this.indexForTimestep(t));
    const sigma = Float32Array.from(indices, (index) => this.sigmaValues[index]);
    return tf.tidy(() => {
      const shape = [sigma.length, ...sample.shape.slice(1).map(() => 1)];
      const level = tf.tensor(sigma, shape);
      return noise.mul(level).add(
        sample.mul(
          tf.tensor(
            sigma.map((s) => 1 - s),
            shape,
          ),
        ),
      ) as X;
    });
  }

  /** Frees the schedule's tensors. The scheduler stays usable. */
  dispose(): void {
    this.#tensors.timesteps?.dispose();
    this.#tensors.sigmas?.dispose();
    this.#tensors = {};
  }

  /** The step to take: found from the timestep at a run's first call, and checked at every call. */
  protected beginStep(timestep: number | tf.Tensor): number {
    if (typeof timestep !== 'number' && timestep.dtype !== 'float32') {
      throw new Error(
        `Cannot step as timestep must be a float32 value of scheduler.timesteps, not an index: its dtype is ${timestep.dtype}`,
      );
    }
    const found = this.indexForTimestep(timestep);
    return this.checkStep(this.currentStep ?? this.#beginIndex ?? found);
  }

  /** Returns `index` when a step can start there. */
  protected checkStep(index: number): number {
    const last = this.sigmaValues.length - 2;
    if (!(Number.isInteger(index) && index >= 0 && index <= last)) {
      throw new Error(`Cannot step as index must be 0 to ${last}: current value is ${index}`);
    }
    return index;
  }
}

function countSteps(
  count: number | null | undefined,
  sigmas: ArrayLike<number> | null | undefined,
  timesteps: ArrayLike<number> | null | undefined,
): number {
  if (sigmas && timesteps && sigmas.length !== timesteps.length) {
    throw new Error(
      `Cannot set timesteps as sigmas and timesteps must have the same length: ${sigmas.length} and ${timesteps.length}`,
    );
  }
  const given = sigmas?.length ?? timesteps?.length;
  const n = count ?? given;
  if (!Number.isInteger(n) || (n as number) < 1) {
    throw new Error(`Cannot set timesteps as there must be at least 1 step: ${n}`);
  }
  if (given !== undefined && given !== n) {
    throw new Error(
      `Cannot set timesteps as sigmas and timesteps must have numInferenceSteps (${n}) values: ${given}`,
    );
  }
  return n as number;
}

/** Refuses levels that lead nowhere, or past the data: sqrt(-dt) of such a step is NaN. */
function checkFalling(
  name: string,
  values: ArrayLike<number> | null | undefined,
  most: number,
): void {
  if (!values) return;
  if (typeof values.length !== 'number') {
    throw new Error(`Cannot set timesteps as ${name} must be a list: ${showValue(values)}`);
  }
  const levels = Array.from(values);
  const wrong = levels.findIndex((level, at) => !(level > 0 && level <= (levels[at - 1] ?? most)));
  if (wrong >= 0) {
    throw new Error(
      `Cannot set timesteps as ${name} must be above 0 and at most ${most}, none above the one before it: current value at ${wrong} is ${showValue(levels[wrong])}`,
    );
  }
}

function preview(values: Float32Array): string {
  const shown = Array.from(values.subarray(0, 5)).join(', ');
  return values.length > 5 ? `${shown}, ...` : shown;
}
