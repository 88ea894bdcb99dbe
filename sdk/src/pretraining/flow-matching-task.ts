import type { RandomKey } from '../core/random-key';
import type { DiffusionModelConfigLike } from '../config';
import type { LossGradients } from '../losses';
import { predictNoised, type PromptEmbeddings, type TrainableModel } from '../pipelines';
import { randomNormal, randomUniform, tf } from '../tensorflow';
import { modelLossGradients } from '../training/model-loss-gradients';
import type { PretrainingTask } from './pretrain';

/** Clean data with its words. It stays the caller's. */
export interface FlowMatchingData {
  /** (N, ...) latents as the transformer takes them. */
  latents: tf.Tensor;
  /** Of each one, the row of its prompt in `embeddings`. */
  promptRows: readonly number[];
  embeddings: PromptEmbeddings;
  /** How often each one is drawn, relative to the others. Default: equally. */
  weights?: readonly number[];
}

/** How a transformer is pre-trained. */
export interface FlowMatchingTaskOptions {
  transformer: TrainableModel;
  /** Names the adapter that predicts from noised data: with the algorithm `dpo` or `diffusion_nft`. */
  modelConfig: DiffusionModelConfigLike;
  data: FlowMatchingData;
  batchSize: number;
  /** a of sigma = a u / (1 + (a - 1) u), u uniform: above 1 high noise is drawn more often. */
  noiseShift: number;
  /** Measures the weights as they are, for the log. */
  evaluate?: () => Promise<Record<string, number>>;
}

/**
 * Pre-trains a transformer by flow matching (Lipman et al. 2023, arXiv 2210.02747, eq. 23, in the straight-line form of Liu
 * et al. 2022, arXiv 2209.03003): x = (1 - sigma) x0 + sigma epsilon, and the model learns the velocity epsilon - x0.
 *
 * @example
 * const embeddings = pipeline.encodePrompt(['a red circle', 'a blue square']);
 * const task = new FlowMatchingTask({
 *   transformer: pipeline.transformer,
 *   modelConfig: { path: 'datasets/tiny-qwen-image', algorithm: 'dpo', height: 64, width: 64 },
 *   data: { latents: tf.zeros([2, 16, 16]), promptRows: [0, 1], embeddings },
 *   batchSize: 2,
 *   noiseShift: 1,
 * });
 * const { loss, gradients } = await task.gradients(RandomKey.fromSeed(0));
 * [...gradients.keys()].every((name) => task.variables.has(name)); // true
 */
export class FlowMatchingTask implements PretrainingTask {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly #options: FlowMatchingTaskOptions;
  /** Running sums of the weights. */
  readonly #sums: Float64Array;

  /** @throws When data and prompts differ in number. */
  constructor(options: FlowMatchingTaskOptions) {
    this.#options = options;
    this.variables = options.transformer.trainableVariables();
    const { latents, promptRows, weights } = options.data;
    if (latents.shape[0] !== promptRows.length) {
      throw new Error(
        `Cannot learn from data as each row must have a prompt: there are ${latents.shape[0]} rows and ${promptRows.length} prompts`,
      );
    }
    let sum = 0;
    this.#sums = Float64Array.from(promptRows, (_, row) => (sum += weights?.[row] ?? 1));
  }

  /**
   * The loss of one batch, the mean of (v - (epsilon - x0))^2 with v the model's prediction, and its gradients by the
   * variables' names.
   *
   * @param key The step's own: rows, noise and noise levels follow from it.
   * @returns The caller disposes it.
   */
  async gradients(key: RandomKey): Promise<LossGradients> {
    const { transformer, modelConfig, data, batchSize } = this.#options;
    const rows = Array.from({ length: batchSize }, (_, at) => this.#draw(key.fold('row', at)));
    const words = rows.map((row) => data.promptRows[row]);
    const batch = tf.tidy(() => {
      const take = (x: tf.Tensor, indices: number[]) => tf.gather(x, tf.tensor1d(indices, 'int32'));
      const x0 = take(data.latents, rows);
      const epsilon = randomNormal(key.fold('noise'), x0.shape);
      const sigma = this.#sigma(key.fold('sigma'));
      const column = sigma.reshape([batchSize, ...Array<number>(x0.rank - 1).fill(1)]);
      const { embeds, mask, pooled } = data.embeddings;
      return {
        target: tf.sub(epsilon, x0),
        noisy_latents: tf.add(x0, tf.mul(column, tf.sub(epsilon, x0))),
        timesteps: tf.mul(sigma, 1000),
        prompt_embeds: take(embeds, words),
        prompt_embeds_mask: take(mask, words),
        ...(pooled ? { pooled_prompt_embeds: take(pooled, words) } : {}),
      };
    });
    try {
      return await modelLossGradients(
        transformer,
        (module) => predictNoised(module, modelConfig, batch),
        (velocity) => ({
          loss: tf.mean(tf.squaredDifference(velocity, batch.target)) as tf.Scalar,
          metrics: {},
        }),
        this.variables,
      );
    } finally {
      tf.dispose(Object.values(batch));
    }
  }

  /** What the option `evaluate` measures, for the log; nothing without it. */
  async evaluate(): Promise<Record<string, number>> {
    return (await this.#options.evaluate?.()) ?? {};
  }

  /** (B) noise levels. */
  #sigma(key: RandomKey): tf.Tensor {
    const { batchSize, noiseShift: a } = this.#options;
    const u = randomUniform(key, [batchSize]);
    return tf.div(tf.mul(u, a), tf.add(1, tf.mul(u, a - 1)));
  }

  #draw(key: RandomKey): number {
    const wanted = key.uniform() * this.#sums[this.#sums.length - 1];
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
