import { ANYTHING, checkOptions, SWITCH, type Rules } from '../core/option-rules';
import { drawNormal, tf, type Generator } from '../tensorflow';
import { FlowMatchSchedule } from './flow-match-schedule';
import { optionsFromConfig } from './scheduler-config';
import { checkOperands } from './step-operands';

/** Options of the Euler step. */
export interface EulerStepOptions {
  /** Where noise comes from with `stochasticSampling`: one stream, or one a row. */
  generator?: Generator | readonly Generator[] | null;
  /** Accepted and without effect, as in diffusers. */
  sChurn?: number;
  /** Accepted and without effect, as in diffusers. */
  sTmin?: number;
  /** Accepted and without effect, as in diffusers. */
  sTmax?: number;
  /** Accepted and without effect, as in diffusers. */
  sNoise?: number;
  /** An output object (default), or with false a tuple. */
  returnDict?: boolean;
}

const RULES: Rules<EulerStepOptions> = {
  generator: ANYTHING,
  sChurn: ANYTHING,
  sTmin: ANYTHING,
  sTmax: ANYTHING,
  sNoise: ANYTHING,
  returnDict: SWITCH,
};

/** What the Euler step returns. The caller owns the tensor. */
export class FlowMatchEulerDiscreteSchedulerOutput<X extends tf.Tensor = tf.Tensor> {
  /** @param prevSample (B, ...) sample after the step, float32. */
  constructor(readonly prevSample: X) {}
}

/**
 * diffusers' FlowMatchEulerDiscreteScheduler: x' = x + v dt. With `stochasticSampling` the predicted data is noised anew
 * instead: x' = (1 - sigma') (x - sigma v) + sigma' epsilon.
 *
 * @example
 * const scheduler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });
 * scheduler.setTimesteps(10);
 * const x = tf.randomNormal([2, 16, 4]);
 * const { prevSample } = scheduler.step(tf.zerosLike(x), scheduler.timestepValues[0], x);
 */
export class FlowMatchEulerDiscreteScheduler extends FlowMatchSchedule {
  /** A scheduler with the settings of a diffusers configuration (scheduler_config.json). */
  static fromConfig(config: object): FlowMatchEulerDiscreteScheduler {
    return new this(optionsFromConfig(config as Record<string, unknown>));
  }

  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options: EulerStepOptions & { returnDict: false },
  ): [X];
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options?: EulerStepOptions,
  ): FlowMatchEulerDiscreteSchedulerOutput<X>;
  /**
   * Takes the next step of a run and moves on.
   *
   * @param modelOutput (B, ...) velocity v, float32.
   * @param timestep One of `timesteps`: the exact value, not an index.
   * @param sample (B, ...) x; other dtypes are converted to float32.
   * @throws On a timestep that is not in the schedule, past the last step, on unequal shapes, on a velocity that is not float32.
   */
  step<X extends tf.Tensor>(
    modelOutput: tf.Tensor,
    timestep: number | tf.Tensor,
    sample: X,
    options: EulerStepOptions = {},
  ): FlowMatchEulerDiscreteSchedulerOutput<X> | [X] {
    checkOptions('step', options, RULES);
    const index = this.beginStep(timestep);
    const [sigma, sigmaNext] = this.sigmaValues.subarray(index, index + 2);
    const prevSample = tf.tidy(() => {
      const x = sample.toFloat();
      checkOperands('step', { sample: x, modelOutput });
      if (!this.config.stochastic_sampling) return x.add(modelOutput.mul(sigmaNext - sigma)) as X;
      const x0 = x.sub(modelOutput.mul(sigma));
      const epsilon = drawNormal(options.generator, sample.shape);
      return x0.mul(1 - sigmaNext).add(epsilon.mul(sigmaNext)) as X;
    });
    this.currentStep = index + 1;
    return options.returnDict === false
      ? [prevSample]
      : new FlowMatchEulerDiscreteSchedulerOutput(prevSample);
  }
}
