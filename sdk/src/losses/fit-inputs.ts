import { tf } from '../tensorflow';

/** One number a row: (B), or (B, 1) as `groupAdvantages` gives it. */
const ONE_A_ROW = new Set([
  'log_probs',
  'old_log_probs',
  'advantages',
  'rollout_is_weights',
  'sqrt_dt',
  'reward_prob',
  'sample_level_rewards',
]);
/** One number a row in a sample's form: (B, 1, ...), or one for all rows. Given as (B), it is brought into that form. */
const COLUMNS = new Set(['std_dev_t', 't_expanded']);
/** Of a sample's shape: (B, ...). */
const SAMPLE = /(^|_)(noise_pred|prediction|prev_sample_mean)$|^(x0|xt|noise|latents_clean)$/;

/**
 * Makes what is one number a row (B) where it came as (B, 1), which would spread over (B, B) beside a (B), and holds the
 * shapes of the losses' inputs against each other. A scalar stands for all rows. Other names are left to their loss.
 *
 * @returns The inputs, or null when their shapes do not fit each other.
 */
export function fitInputs(inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> | null {
  const rank = Math.max(
    0,
    ...Object.entries(inputs).map(([name, x]) => (SAMPLE.test(name) ? x.rank : 0)),
  );
  const fit = (name: string, x: tf.Tensor): tf.Tensor => {
    if (ONE_A_ROW.has(name) && x.rank === 2 && x.shape[1] === 1) return tf.reshape(x, [-1]);
    const isShort = COLUMNS.has(name) && x.rank > 0 && x.rank < rank && x.size === x.shape[0];
    return isShort ? tf.reshape(x, [-1, ...Array<number>(rank - 1).fill(1)]) : x;
  };
  const fitted = Object.entries(inputs).map(([name, x]): [string, tf.Tensor] => [
    name,
    fit(name, x),
  ]);
  const known = fitted.filter(([, { rank }]) => rank > 0);
  const perRow = known.filter(([name]) => ONE_A_ROW.has(name));
  const samples = known.filter(([name]) => SAMPLE.test(name));
  const columns = known.filter(([name, { size }]) => COLUMNS.has(name) && size !== 1);
  const rows = [...perRow, ...samples, ...columns].map(([, { shape }]) => shape[0]);
  const areAlike = (list: typeof known) =>
    new Set(list.map(([, { shape }]) => `${shape}`)).size < 2;
  const doFit = areAlike(perRow) && areAlike(samples) && new Set(rows).size < 2;
  return doFit ? Object.fromEntries(fitted) : null;
}
