import { ANYTHING, checkOptions, optionsAmong, SWITCH, type Rules } from '../core/option-rules';
import { drawNormal, tf, tidyResult, type Generator } from '../tensorflow';
import { FlowMatchSchedule } from './flow-match-schedule';
import { stepCoefficients, takeStep } from './gaussian-step';
import { optionsFromConfig } from './scheduler-config';
import { checkOperands, rowValues, type RowValues, type Timesteps } from './step-operands';
import { transitions } from './transitions';

/** Options that `step` and `samplePreviousStep` share. */
export interface ReverseStepOptions<X extends tf.Tensor = tf.Tensor> {
  /** Where noise comes from: one stream, or one a row. Default: the default generator. */
  generator?: Generator | readonly Generator[] | null;
  /** Not supported: throws unless null. */
  perTokenTimesteps?: tf.Tensor | null;
  /** eta: a number, or one a row (a tensor of B values, as (B, 1, 1)). 0 is the ODE. Default 0.7. */
  noiseLevel?: number | readonly number[] | tf.Tensor;
  /** The step's result when it is known (replay): nothing is drawn then. */
  prevSample?: X | null;
  /** 'sde' (default), 'cps', 'dance_sde', or a name registered in `transitions`. */
  sdeType?: string;
  /** Whether to compute log-probabilities. Default true. */
  returnLogprobs?: boolean;
  /** Whether log-probabilities hold the Gaussian's normaliser. Default true. */
  includeLogprobNormalizer?: boolean;
}

/** Options of `samplePreviousStep`. */
export interface SamplePreviousStepOptions<
  X extends tf.Tensor = tf.Tensor,
> extends ReverseStepOptions<X> {
  /** Timesteps of the rows (B), or one for all; default: the scheduler's current step. */
  timestep?: Timesteps | null;
  /** Index of the step for all rows, instead of a timestep: it tells equal timesteps apart. */
  stepIndex?: number | null;
  /** Whether to return sqrt(-dt) of each row as a fifth value. Default false. */
  returnSqrtDt?: boolean;
}

/** Options of `step`. */
export interface StepOptions<X extends tf.Tensor = tf.Tensor> extends ReverseStepOptions<X> {
  /** Accepted and without effect, as upstream. */
  sChurn?: number;
  /** Accepted and without effect, as upstream. */
  sTmin?: number;
  /** Accepted and without effect, as upstream. */
  sTmax?: number;
  /** Accepted and without effect, as upstream. */
  sNoise?: number;
  /** An output object (default), or with false a tuple. */
  returnDict?: boolean;
}

const REVERSE_STEP_RULES: Rules<ReverseStepOptions> = {
  generator: ANYTHING,
  perTokenTimesteps: ANYTHING,
  noiseLevel: ANYTHING,
  prevSample: ANYTHING,
  sdeType: ANYTHING,
  returnLogprobs: SWITCH,
  includeLogprobNormalizer: SWITCH,
};

const SAMPLE_RULES: Rules<SamplePreviousStepOptions> = {
  ...REVERSE_STEP_RULES,
  timestep: ANYTHING,
  stepIndex: ANYTHING,
  returnSqrtDt: SWITCH,
};

const STEP_RULES: Rules<StepOptions> = {
  ...REVERSE_STEP_RULES,
  sChurn: ANYTHING,
  sTmin: ANYTHING,
  sTmax: ANYTHING,
  sNoise: ANYTHING,
  returnDict: SWITCH,
};

/** A step's log-probabilities (B); null with `returnLogprobs: false` alone. */
type StepLogProb = tf.Tensor1D | null;

/** What says that log-probabilities are there. */
interface WithLogprobs {
  returnLogprobs?: true;
}

/** [prevSample, logProb or null, prevSampleMean, stdDevT] */
export type StepTuple<
  X extends tf.Tensor = tf.Tensor,
  LogProb extends StepLogProb = StepLogProb,
> = [prevSample: X, logProb: LogProb, prevSampleMean: X, stdDevT: tf.Tensor];

/** What `step` returns. The caller owns the tensors. */
export class FlowMatchSDEDiscreteSchedulerOutput<
  X extends tf.Tensor = tf.Tensor,
  LogProb extends StepLogProb = StepLogProb,
> {
  /**
   * @param prevSample (B, ...) sample after the step, float32.
   * @param logProb (B) mean log-probability of each row, or null with `returnLogprobs: false`.
   * @param prevSampleMean (B, ...) mean of the step.
   * @param stdDevT Standard deviation as the transition defines it: a scalar, or (B, 1, ...) when rows differ.
   */
  constructor(
    readonly prevSample: X,
    readonly logProb: LogProb,
    readonly prevSampleMean: X,
    readonly stdDevT: tf.Tensor,
  ) {}
}

/**
 * Stochastic sampler for flow-matching models whose steps have a log-probability, for policy-gradient training: FlowGRPO
 * (https://arxiv.org/abs/2505.05470) and its relatives. Sampling and replay share one path of code, so a replayed step
 * returns the same log-probability to the last bit. Differentiable in the model's output.
 *
 * @example
 * const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
 * scheduler.setTimesteps(10);
 * const x = tf.randomNormal([2, 16, 4]);
 * const { prevSample, logProb } = scheduler.step(tf.zerosLike(x), scheduler.timestepValues[0], x);
 */
export class FlowMatchSDEDiscreteScheduler extends FlowMatchSchedule {
  /** A scheduler with the settings of a diffusers configuration (scheduler_config.json). */
  static fromConfig(config: object): FlowMatchSDEDiscreteScheduler {
    return new this(optionsFromConfig(config as Record<string, unknown>));
  }

  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options: StepOptions<X> & { returnDict: false } & WithLogprobs,
  ): StepTuple<X, tf.Tensor1D>;
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options: StepOptions<X> & { returnDict: false },
  ): StepTuple<X>;
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options?: StepOptions<X> & { returnDict?: true } & WithLogprobs,
  ): FlowMatchSDEDiscreteSchedulerOutput<X, tf.Tensor1D>;
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options?: StepOptions<X> & { returnDict?: true },
  ): FlowMatchSDEDiscreteSchedulerOutput<X>;
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options?: StepOptions<X>,
  ): FlowMatchSDEDiscreteSchedulerOutput<X> | StepTuple<X>;
  /**
   * Takes the next step of a run and moves on. The first call finds its place from the begin index, or else from
   * `timestep`.
   *
   * @param modelOutput (B, ...) velocity v, float32.
   * @param timestep One of `timesteps`: the exact value, not an index.
   * @param sample (B, ...) x; other dtypes are converted to float32.
   * @throws On a timestep that is not in the schedule, past the last step, and as `samplePreviousStep`.
   */
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options: StepOptions<X> = {},
  ): FlowMatchSDEDiscreteSchedulerOutput<X> | StepTuple<X> {
    checkOptions('step', options, STEP_RULES);
    const index = this.beginStep(timestep);
    const { prevSample } = options;
    const [previous, logProb, mean, std] = tidyResult(() =>
      this.samplePreviousStep(sample.toFloat() as X, modelOutput, {
        ...optionsAmong(options, REVERSE_STEP_RULES),
        prevSample: prevSample && (prevSample.toFloat() as X),
        stepIndex: index,
        returnSqrtDt: false,
      }),
    );
    this.currentStep = index + 1;
    return options.returnDict === false
      ? [previous, logProb, mean, std]
      : new FlowMatchSDEDiscreteSchedulerOutput(previous, logProb, mean, std);
  }

  samplePreviousStep<X extends tf.Tensor>(
    sample: X,
    modelOutput: tf.Tensor,
    options: SamplePreviousStepOptions<X> & { returnSqrtDt: true } & WithLogprobs,
  ): [...StepTuple<X, tf.Tensor1D>, sqrtDt: tf.Tensor1D];
  samplePreviousStep<X extends tf.Tensor>(
    sample: X,
    modelOutput: tf.Tensor,
    options: SamplePreviousStepOptions<X> & { returnSqrtDt: true },
  ): [...StepTuple<X>, sqrtDt: tf.Tensor1D];
  samplePreviousStep<X extends tf.Tensor>(
    sample: X,
    modelOutput: tf.Tensor,
    options?: SamplePreviousStepOptions<X> & WithLogprobs,
  ): StepTuple<X, tf.Tensor1D>;
  samplePreviousStep<X extends tf.Tensor>(
    sample: X,
    modelOutput: tf.Tensor,
    options?: SamplePreviousStepOptions<X>,
  ): StepTuple<X>;
  /**
   * One reverse step, drawn or replayed, without moving on.
   *
   * @param sample (B, ...) x, float32.
   * @param modelOutput (B, ...) velocity v, float32.
   * @returns [prevSample (B, ...), logProb (B) or null, prevSampleMean (B, ...), stdDevT, and on request sqrt(-dt) (B)].
   *   The caller owns them. `stdDevT` is a scalar, or (B, 1, ...) when timesteps or noise levels are given for each row.
   *   With noise level 0 log-probabilities are NaN ('sde', 'dance_sde': a density without width) or 0 ('cps').
   * @throws On an option that there is none of, on unequal shapes, on scalars, on a dtype other than float32, on an unknown
   *   timestep or transition, on a noise level below 0.
   *
   * @example
   * const scheduler = new FlowMatchSDEDiscreteScheduler();
   * scheduler.setTimesteps(10);
   * const [x, v] = [tf.ones([2, 16, 4]), tf.zeros([2, 16, 4])];
   * const timestep = scheduler.timestepValues[0];
   * const [x1, logProb] = scheduler.samplePreviousStep(x, v, { timestep, generator: keyGenerator(1) });
   * const [, again] = scheduler.samplePreviousStep(x, v, { timestep, prevSample: x1 }); // logProb, bit for bit
   * tf.sub(again, logProb); // [0, 0]
   */
  samplePreviousStep<X extends tf.Tensor>(
    sample: X,
    modelOutput: tf.Tensor,
    options: SamplePreviousStepOptions<X> = {},
  ): StepTuple<X> | [...StepTuple<X>, tf.Tensor1D] {
    checkOptions('step', options, SAMPLE_RULES);
    const { generator, prevSample, sdeType = 'sde', noiseLevel = 0.7 } = options;
    if (options.perTokenTimesteps) {
      throw new Error('Cannot step as perTokenTimesteps is not supported: it must be null');
    }
    checkOperands('step', { sample, modelOutput, prevSample });
    const transition = transitions.get(sdeType);
    const [B] = sample.shape;
    const indices = this.#indices(options, B);
    const noiseLevels = rowValues('step', 'noiseLevel', noiseLevel, B);
    const wrong = noiseLevels.values.find((level) => !(level >= 0 && level < Infinity));
    if (wrong !== undefined) {
      throw new Error(
        `Cannot step as noiseLevel must be a number from 0: current value is ${wrong}`,
      );
    }
    const perRow = indices.perRow || noiseLevels.perRow;
    const rows = Array.from({ length: perRow ? B : 1 }, (_, b) => {
      const index = indices.values[indices.perRow ? b : 0];
      return {
        sigma: this.sigmaValues[index],
        sigmaNext: this.sigmaValues[index + 1],
        sigmaSecond: this.sigmaValues[1],
        noiseLevel: noiseLevels.values[noiseLevels.perRow ? b : 0],
      };
    });
    const steps = rows.map(transition);
    const { returnLogprobs = true, includeLogprobNormalizer = true } = options;

    return tidyResult(() => {
      const { xNext, mean, logProb } = takeStep(
        sample,
        modelOutput,
        prevSample ?? drawNormal(generator, modelOutput.shape),
        !prevSample,
        stepCoefficients(steps, includeLogprobNormalizer),
      );
      const std = tf.tensor(
        steps.map((step) => step.std),
        perRow ? [B, ...Array<number>(sample.rank - 1).fill(1)] : [],
      );
      const tuple: StepTuple<X> = [
        xNext as X,
        returnLogprobs ? (logProb as tf.Tensor1D) : null,
        mean as X,
        std,
      ];
      if (!options.returnSqrtDt) return tuple;
      const sqrtDt = Float32Array.from({ length: B }, (_, b) => {
        const { sigma, sigmaNext } = rows[b % rows.length];
        return Math.sqrt(sigma - sigmaNext);
      });
      return [...tuple, tf.tensor1d(sqrtDt)] satisfies unknown[] as [...StepTuple<X>, tf.Tensor1D];
    });
  }

  /** Schedule indices: one for all rows, or one a row. */
  #indices({ timestep, stepIndex }: SamplePreviousStepOptions, B: number): RowValues {
    const known = typeof stepIndex === 'number' ? stepIndex : null;
    if (known !== null || timestep === null || timestep === undefined) {
      const index = known ?? this.stepIndex ?? this.beginIndex;
      if (index === null) {
        throw new Error(
          'Cannot sample the previous step as the current step is unknown: pass a timestep, or call setBeginIndex',
        );
      }
      return { values: [this.checkStep(index)], perRow: false };
    }
    const { values, perRow } = rowValues('step', 'timestep', timestep, B);
    return { values: values.map((t) => this.checkStep(this.indexForTimestep(t))), perRow };
  }
}
