import { checkOptions, SWITCH } from './option-rules';

/** How `Registry.register` treats a key that is already taken. */
export interface RegisterOptions {
  /** Overwrite an earlier registration instead of refusing. Default false. */
  replace?: boolean;
}

/**
 * A table from names to things of one kind, used for adapters, rewards, losses and transitions alike.
 *
 * A miss lists what is registered, and a name cannot be taken twice by accident.
 *
 * @example
 * const colors = new Registry<number>('color');
 * colors.register('red', 0xff0000);
 * colors.get('red'); // 16711680
 */
export class Registry<Value> {
  readonly #entries = new Map<string, Value>();

  /** @param kind What the table holds, in the singular, as it appears in error messages. */
  constructor(readonly kind: string) {}

  /**
   * Adds `value` under `name`.
   *
   * @throws When the name is taken, unless `replace` is true, and when there is no such option.
   */
  register(name: string, value: Value, options: RegisterOptions = {}): void {
    checkOptions(`register ${this.kind} "${name}"`, options, { replace: SWITCH });
    const { replace = false } = options;
    if (this.#entries.has(name) && !replace) {
      throw new Error(
        `Cannot register ${this.kind} "${name}" as it is already registered: pass {replace: true} to overwrite it`,
      );
    }
    this.#entries.set(name, value);
  }

  /** Returns the value under `name`, or null. */
  find(name: string): Value | null {
    return this.#entries.get(name) ?? null;
  }

  /**
   * Returns the value under `name`.
   *
   * @throws When there is none; the message lists what is registered.
   */
  get(name: string): Value {
    const value = this.#entries.get(name);
    if (value === undefined) {
      throw new Error(
        `Cannot find ${this.kind} "${name}": registered are ${this.names().join(', ') || 'none'}`,
      );
    }
    return value;
  }

  /** Removes `name`. Returns whether it was there. */
  unregister(name: string): boolean {
    return this.#entries.delete(name);
  }

  /** All names, in the order of registration. */
  names(): string[] {
    return [...this.#entries.keys()];
  }
}
