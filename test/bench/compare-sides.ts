import { readSafetensors, tf } from '@flowbook/sdk';
import type { Outputs } from './rows';

/**
 * Checks that both sides computed the same before any is timed.
 *
 * @param file What PyTorch computed.
 * @param tolerance Largest deviation, relative to the largest number of PyTorch's.
 * @returns The largest deviation found.
 * @throws With the name of what differs, and by how much.
 */
export function compareSides(ours: Outputs, file: string, tolerance: number): number {
  const theirs = readSafetensors(file);
  let worst = 0;
  for (const [name, expected] of theirs) {
    const actual = ours[name];
    if (actual === undefined || actual.size !== expected.size) {
      throw new Error(
        `Cannot compare "${name}" as both sides must give it in one shape: shapes are [${actual?.shape}] and [${expected.shape}]`,
      );
    }
    const [a, b] = [actual.dataSync(), expected.dataSync()];
    let [gap, largest] = [0, 1e-12];
    for (let at = 0; at < b.length; at++) {
      gap = Math.max(gap, Math.abs(a[at] - b[at]));
      largest = Math.max(largest, Math.abs(b[at]));
    }
    worst = Math.max(worst, gap / largest);
    if (!(gap <= tolerance * largest)) {
      throw new Error(
        `Cannot time both sides as they must compute the same: "${name}" differs by ${(gap / largest).toExponential(2)} of its largest value, ${tolerance} is allowed`,
      );
    }
  }
  tf.dispose([...theirs.values()]);
  return worst;
}
