import { compile, tf } from '../tensorflow';
import { weightGroups } from './weight-groups';

/**
 * What becomes of a step in which numbers are not finite: 'skip' leaves out the update or the picture, 'stop' ends the run,
 * 'rollback' puts weights, optimizer and all that follows them back to before the step.
 */
export type NotFinitePolicy = 'skip' | 'stop' | 'rollback';

/** The choices, for messages. */
export const NOT_FINITE_POLICIES = ['skip', 'stop', 'rollback'] as const;

/** 0 where all values are finite, else NaN. */
const zeroIfFinite = compile(
  (tensors: tf.Tensor[]) => tf.addN(tensors.map((tensor) => tf.sum(tf.mul(tensor, 0)))),
  { name: 'zeroIfFinite', xla: false, maxSignatures: 64 },
);

/**
 * The first of some tensors that holds NaN or an infinite value, in words; null when all are finite.
 *
 * @example
 * whereNotFinite(new Map([['a', tf.tensor1d([1, 2])], ['b', tf.tensor1d([1, NaN])]])); // '"b" (1 of 2 values)'
 */
export function whereNotFinite(tensors: ReadonlyMap<string, tf.Tensor>): string | null {
  if (tensors.size === 0) return null;
  const groups = weightGroups(tensors).map((names) => names.map((name) => tensors.get(name)));
  // One number is read, however many tensors there are.
  const sum = tf.tidy(
    () => tf.addN(groups.map((group) => zeroIfFinite(group as tf.Tensor[]))).dataSync()[0],
  );
  if (sum === 0) return null;
  for (const [name, tensor] of tensors) {
    const broken = Array.from(tensor.dataSync()).filter((one) => !Number.isFinite(one)).length;
    if (broken > 0) return `"${name}" (${broken} of ${tensor.size} values)`;
  }
  return null;
}

/** Of each row (B, ...) of a tensor, whether all its values are finite. Reads one number a row. */
export function rowsAreFinite(tensor: tf.Tensor): boolean[] {
  const sums = tf.tidy(() =>
    tf.sum(tf.reshape(tf.mul(tensor, 0), [tensor.shape[0], -1]), 1).dataSync(),
  );
  return Array.from(sums, (sum) => sum === 0);
}

/** Throws when weights are not finite, which no update would mend. @param step That is to be done. */
export function requireFiniteWeights(weights: ReadonlyMap<string, tf.Tensor>, step: number): void {
  const where = whereNotFinite(weights);
  if (where === null) return;
  throw new Error(
    `Cannot train as weights must be finite: ${where} are not, before step ${step}; take another checkpoint`,
  );
}

/** What a step found that was not finite, and what became of it. */
export class NotFiniteLog {
  /** In words, in order. */
  readonly found: string[] = [];
  /** Pictures that were left out. */
  skippedSamples = 0;
  /** Whether the step was taken back. */
  isRolledBack = false;

  constructor(
    readonly policy: NotFinitePolicy,
    readonly step: number,
  ) {}

  /**
   * Notes what was found, on stderr too.
   *
   * @param became What becomes of it under 'skip'.
   * @throws When the policy is to stop.
   */
  note(what: string, became = 'left out'): void {
    if (this.policy === 'stop') {
      throw new Error(
        `Cannot go on after step ${this.step - 1} as numbers must be finite: ${what} at step ${this.step}; onNotFinite says what else may become of it`,
      );
    }
    this.found.push(what);
    this.tell(what, this.policy === 'skip' ? became : 'the step is taken back');
  }

  /** Says what was found on stderr alone, where the policy has no part in what becomes of it. */
  tell(what: string, became: string): void {
    process.stderr.write(`step ${this.step}: ${what}: ${became}\n`);
  }

  /** What the log shows of it: nothing of a step where all was finite. */
  get report(): { skippedSamples?: number; rolledBack?: number } {
    return {
      ...(this.skippedSamples > 0 ? { skippedSamples: this.skippedSamples } : {}),
      ...(this.isRolledBack ? { rolledBack: 1 } : {}),
    };
  }
}
