import type { tf } from '../../sdk/src/tensorflow';
import type { CaseResult } from './golden-case';

/** How far a number may be from the expected one: |difference| <= atol + rtol * |expected|. */
export interface Tolerance {
  atol: number;
  rtol: number;
}

/** What can be compared: a tensor, or numbers. */
export type Numeric = tf.Tensor | number | boolean | ArrayLike<number>;

/**
 * Collects comparisons of one case and remembers the worst element of all.
 *
 * Two NaN are equal, and so are two infinities of the same sign.
 */
export class Comparison {
  #worstRatio = 0;
  #worst = 0;
  #tolerance = 0;
  #worstName = '';
  #relative = 0;
  readonly #failures: string[] = [];

  /** Compares every element; shapes must agree where both sides are tensors. */
  compare(name: string, actual: Numeric, expected: Numeric, { atol, rtol }: Tolerance): void {
    const [actualShape, expectedShape] = [shapeOf(actual), shapeOf(expected)];
    if (actualShape !== null && expectedShape !== null && actualShape !== expectedShape) {
      this.fail(`${name} has shape [${actualShape}] instead of [${expectedShape}]`);
      return;
    }
    const [a, b] = [valuesOf(actual), valuesOf(expected)];
    if (a.length !== b.length) {
      this.fail(`${name} has ${a.length} values instead of ${b.length}`);
      return;
    }
    let outside = 0;
    let [gap, largest] = [0, 0];
    for (let index = 0; index < a.length; index++) {
      const difference = Object.is(a[index], b[index]) ? 0 : Math.abs(a[index] - b[index]);
      const allowed = atol + rtol * Math.abs(b[index]);
      const finite = Number.isFinite(a[index]) && Number.isFinite(b[index]);
      const inside = difference === 0 || (finite && difference <= allowed);
      if (!inside) outside++;
      if (finite) {
        gap = Math.max(gap, difference);
        largest = Math.max(largest, Math.abs(b[index]));
      }
      const ratio = difference === 0 ? 0 : finite ? difference / allowed : Infinity;
      if (this.#worstName === '' || ratio > this.#worstRatio) {
        [this.#worstRatio, this.#worstName] = [ratio, name];
        [this.#worst, this.#tolerance] = [difference, Number.isFinite(b[index]) ? allowed : 0];
      }
    }
    if (largest > 0) this.#relative = Math.max(this.#relative, gap / largest);
    if (outside > 0) this.fail(`${name} differs in ${outside} of ${a.length} values`);
  }

  /** Records that `actual` is not what it must be exactly (compared as JSON). */
  equal(name: string, actual: unknown, expected: unknown): void {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) this.fail(`${name} is ${a} instead of ${b}`);
  }

  /** Records that `action` must throw (or reject). */
  async throws(name: string, action: () => unknown): Promise<void> {
    try {
      await action();
    } catch {
      return;
    }
    this.fail(`${name} does not throw`);
  }

  /** Records a failure in words. */
  fail(message: string): void {
    this.#failures.push(message);
  }

  /** The verdict on all that was compared. */
  result(): CaseResult {
    const [first] = this.#failures;
    const more = this.#failures.length > 1 ? ` (and ${this.#failures.length - 1} more)` : '';
    return {
      status: first === undefined ? 'passed' : 'failed',
      worst: this.#worst,
      relative: this.#relative,
      tolerance: this.#tolerance,
      detail:
        first === undefined ? this.#worstName : `${first}${more}; worst is ${this.#worstName}`,
    };
  }
}

function isTensor(value: Numeric): value is tf.Tensor {
  return typeof value === 'object' && 'dataSync' in value;
}

function shapeOf(value: Numeric): string | null {
  return isTensor(value) ? value.shape.join(',') : null;
}

function valuesOf(value: Numeric): ArrayLike<number> {
  if (typeof value === 'number' || typeof value === 'boolean') return [Number(value)];
  return isTensor(value) ? value.dataSync() : value;
}
