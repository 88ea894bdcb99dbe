import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { appendJsonLine } from '../io/append-json-line';
import { readJsonLines } from '../io/json-lines';
import { writeText } from '../io/write-json';

/** A picture's key and its rating. */
type Rating = readonly [key: string, value: number];

/**
 * Ratings by key, those that were asked for longest ago forgotten first; with a file also for later runs. One run at a time
 * writes a file: a line for each call, and the whole anew when it has twice as many as are kept.
 */
export class RatingStore {
  readonly #ratings = new Map<string, number>();
  #inFile = 0;

  /**
   * @param most Ratings that are kept.
   * @param path Of the file; null: memory alone.
   * @throws When the file holds something else.
   */
  constructor(
    private readonly most: number,
    private readonly path: string | null,
  ) {
    if (path === null) return;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    for (const [at, line] of readJsonLines(path, { isGrowing: true }).entries()) {
      if (!isLine(line)) {
        throw new Error(
          `Cannot read ratings from "${path}" as each line must be a list of keys with finite numbers: line ${at + 1} is not`,
        );
      }
      this.#inFile += line.length;
      for (const [key, value] of line) this.#keep(key, value);
    }
  }

  get size(): number {
    return this.#ratings.size;
  }

  /** The rating of a key, which counts as asked for now. */
  get(key: string): number | undefined {
    const value = this.#ratings.get(key);
    if (value !== undefined) this.#keep(key, value);
    return value;
  }

  /** Keeps ratings, which must be finite. */
  add(ratings: readonly Rating[]): void {
    if (ratings.length === 0) return;
    for (const [key, value] of ratings) this.#keep(key, value);
    if (this.path === null) return;
    this.#inFile += ratings.length;
    if (this.#inFile <= 2 * this.most) return appendJsonLine(this.path, ratings);
    const kept = [...this.#ratings];
    writeText(this.path, kept.length === 0 ? '' : `${JSON.stringify(kept)}\n`);
    this.#inFile = kept.length;
  }

  #keep(key: string, value: number): void {
    this.#ratings.delete(key);
    this.#ratings.set(key, value);
    if (this.#ratings.size <= this.most) return;
    const [oldest] = this.#ratings.keys();
    this.#ratings.delete(oldest);
  }
}

function isLine(line: unknown): line is Rating[] {
  return (
    Array.isArray(line) &&
    line.every(
      (one) =>
        Array.isArray(one) &&
        one.length === 2 &&
        typeof one[0] === 'string' &&
        Number.isFinite(one[1]),
    )
  );
}
