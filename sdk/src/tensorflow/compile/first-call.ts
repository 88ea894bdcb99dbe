/** How far the first call for a signature is. */
export interface FirstCallProgress {
  name: string;
  /**
   * `compiling` when the graph is recorded and XLA's work begins; `ready` when the first result is there, or `failed` when there is
   * none. The graph of a gradient is recorded with its function, and begins with `compiling`.
   */
  stage: 'recording' | 'compiling' | 'ready' | 'failed';
  /** Since the call. */
  elapsedMs: number;
}

/** Tells of the first call of a graph; later ones go by without a word. */
export class FirstCall {
  readonly #name: string;
  readonly #watch: (progress: FirstCallProgress) => void;
  #startedAt: number | null = null;
  #hasBegun = false;

  /** @param watch Must not throw. */
  constructor(name: string, watch: (progress: FirstCallProgress) => void) {
    this.#name = name;
    this.#watch = watch;
  }

  tell(stage: FirstCallProgress['stage']): void {
    const now = performance.now();
    this.#startedAt ??= now;
    this.#watch({ name: this.#name, stage, elapsedMs: now - this.#startedAt });
  }

  /** Runs the graph. */
  run<Result>(work: () => Result): Result {
    if (this.#hasBegun) return work();
    this.#begin();
    try {
      const result = work();
      this.tell('ready');
      return result;
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  /** Runs the graph on another thread. */
  async runAsync<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#hasBegun) return work();
    this.#begin();
    try {
      const result = await work();
      this.tell('ready');
      return result;
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  #begin(): void {
    this.#hasBegun = true;
    this.tell('compiling');
  }

  /** The next call is a first one again. */
  #fail(): void {
    this.tell('failed');
    this.#hasBegun = false;
    this.#startedAt = null;
  }
}
