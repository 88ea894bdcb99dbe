import type { RandomKey } from '../core/random-key';
import { randomNormal, tf, type Generator } from '../tensorflow';

/** Which picture a row of a batch is. */
export interface GroupRow {
  /** The group's key. */
  group: RandomKey;
  /** The picture's place in its group. */
  place: number;
}

/**
 * The noise of a rollout as a stream: the first normal draw is where the pictures start, the others
 * are the denoising steps in their order. Each row's noise is a function of its group's key, its place
 * and the step, whatever rows are drawn with it.
 *
 * Steps outside the window use no noise, so none is drawn for them.
 */
export function groupNoise(
  rows: readonly GroupRow[],
  {
    window: [start, end],
    sameInitialNoise,
  }: { window: readonly [number, number]; sameInitialNoise: boolean },
): Generator {
  let draws = 0;
  return {
    integer: (low) => low,
    randn(shape) {
      const [, ...rest] = shape;
      const step = draws++ - 1;
      if (step >= 0 && (step < start || step >= end)) return tf.zeros(shape);
      const keyOf = ({ group, place }: GroupRow) =>
        step < 0 && sameInitialNoise
          ? group.fold('initial')
          : group.fold(place, step < 0 ? 'initial' : step);
      return tf.tidy(() => {
        const drawn = new Map<string, tf.Tensor>();
        return tf.stack(
          rows.map((row) => {
            const key = keyOf(row);
            const name = key.words.join();
            const noise = drawn.get(name) ?? randomNormal(key, rest);
            drawn.set(name, noise);
            return noise;
          }),
        );
      });
    },
  };
}
