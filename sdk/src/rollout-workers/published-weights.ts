/** Weights that parts are asked for with. */
export interface Published<Weights> {
  readonly version: number;
  readonly weights: Weights;
  /** Parts that wait or are under way. */
  users: number;
}

/** The weights of the version that was published last, and older ones until their last part is done. */
export class PublishedWeights<Weights> {
  #current: Published<Weights> | null = null;

  /** @param drop Forgets weights that no part will ask for any more. */
  constructor(private readonly drop: (weights: Weights) => void) {}

  /** Takes a version's weights in the place of those before. */
  replace(version: number, weights: Weights): void {
    const before = this.#current;
    this.#current = { version, weights, users: 0 };
    if (before !== null) this.#dropUnused(before);
  }

  /** @throws When the version is not the one that was published last. */
  find(version: number): Published<Weights> {
    if (this.#current?.version === version) return this.#current;
    throw new Error(
      `Cannot roll out as the weights of a version must be published first: current value is ${version}, published are ${this.#current?.version ?? 'none'}`,
    );
  }

  /** A part ended that had counted itself among the users. */
  release(published: Published<Weights>): void {
    published.users -= 1;
    this.#dropUnused(published);
  }

  #dropUnused(published: Published<Weights>): void {
    if (published.users === 0 && published !== this.#current) this.drop(published.weights);
  }
}
