import { RandomKey, advantageEstimators, tf } from '@flowbook/sdk';

/** The advantages of a step, each picture's given to another one: what is left of learning when nothing is rewarded. */
export const SHUFFLED = 'shuffled';

/**
 * Registers it. The order follows from the seed and the step, so that a run that was stopped goes on as one that was not.
 *
 * @param stepsDone Of the run that is trained by it.
 */
export function registerShuffled(seed: number, stepsDone: () => number): void {
  const estimate = advantageEstimators.get('flow_grpo');
  advantageEstimators.register(SHUFFLED, (rewards, groups, options) =>
    tf.tidy(() => {
      const key = RandomKey.fromSeed(seed).fold('shuffled', stepsDone());
      const order = groups.map((_, row) => row);
      order.sort((a, b) => key.fold(a).uniform() - key.fold(b).uniform());
      return tf.gather(estimate(rewards, groups, options), tf.tensor1d(order, 'int32'));
    }),
  );
}
