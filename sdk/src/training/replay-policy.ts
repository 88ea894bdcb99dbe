import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/cell-signal';
import {
  checkOptions,
  COUNT_OR_INFINITY,
  orNull,
  SIGNAL,
  SWITCH,
  type Rules,
} from '../core/option-rules';
import { offMainThread } from '../pipelines';
import { tf } from '../tensorflow';
import { replayStep, type ReplayModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import { STEP_DEFAULTS } from './step-defaults';

/** How a rollout is replayed. */
export interface ReplayOptions {
  /** Pictures that go through the model at once. Default 64. */
  microBatchSize?: number;
  /** Whether the velocities are wanted as well, which runs the model a second time. Default false. */
  velocity?: boolean;
  /** Default: none. */
  signal?: AbortSignal | null;
}

/** What the options of a replay must be. */
export const REPLAY_RULES: Rules<ReplayOptions> = {
  microBatchSize: COUNT_OR_INFINITY,
  velocity: SWITCH,
  signal: orNull(SIGNAL),
};

/** A rollout as a model sees it. The caller owns the tensors. */
export interface ReplayedPolicy {
  /** (B, W) */
  log_probs: tf.Tensor2D;
  /** (B, W, S, C) */
  prev_sample_mean: tf.Tensor;
  /** (B, W, S, C) velocities, when they were asked for. */
  noise_pred: tf.Tensor | null;
}

/**
 * Replays a whole rollout without gradients: its log-probabilities and the means of its steps under a model. That is the
 * old policy when it is the model that rolled out, a reference or a teacher when it is another.
 *
 * @throws When there is no such option or one breaks its rule, and when the signal is aborted; nothing is leaked then.
 * @example
 * const modelConfig = pipeline.modelConfig;
 * const model = { transformer: pipeline.transformer, modelConfig, scheduler: buildScheduler(modelConfig) };
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key: RandomKey.fromSeed(1), groupSize: 2 });
 * const { log_probs } = await replayPolicy(model, batch); // (2, 2)
 */
export async function replayPolicy(
  model: ReplayModel,
  batch: RolloutBatch,
  options: ReplayOptions = {},
): Promise<ReplayedPolicy> {
  checkOptions('replay a rollout', options, REPLAY_RULES);
  const {
    microBatchSize = STEP_DEFAULTS.microBatchSize,
    velocity = false,
    signal = null,
  } = options;
  const parts: tf.Tensor[][] = [];
  try {
    for (let start = 0; start < batch.size; start += microBatchSize) {
      const size = Math.min(microBatchSize, batch.size - start);
      const rows = batch.rows(Array.from({ length: size }, (_, at) => start + at));
      const steps: tf.Tensor[][] = [];
      try {
        for (let step = 0; step < batch.windowSize; step++) {
          throwIfAborted(signal);
          await setImmediate();
          const kept = await offMainThread(model.transformer, (transformer) => {
            const replayed = replayStep({ ...model, transformer }, rows, step, velocity);
            const { log_probs, prev_sample_mean, noise_pred } = replayed;
            const wanted = noise_pred === null ? [] : [noise_pred];
            return [log_probs, prev_sample_mean, ...wanted];
          });
          steps.push(kept);
        }
        parts.push(
          steps[0].map((_, field) =>
            tf.stack(
              steps.map((step) => step[field]),
              1,
            ),
          ),
        );
      } finally {
        tf.dispose(steps.flat());
        tf.dispose(Object.values(rows).filter((value) => value instanceof tf.Tensor));
      }
    }
    const [logProbs, means, velocities = null] = parts[0].map((_, field) =>
      tf.concat(parts.map((part) => part[field])),
    );
    return {
      log_probs: logProbs as tf.Tensor2D,
      prev_sample_mean: means,
      noise_pred: velocities,
    };
  } finally {
    tf.dispose(parts.flat());
  }
}
