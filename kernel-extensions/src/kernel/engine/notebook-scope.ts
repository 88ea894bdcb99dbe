/** Reads and writes one variable inside the cell that declares it; constants have no `set`. */
export interface Accessor {
  get(): unknown;
  set?(value: unknown): void;
}

interface Binding extends Accessor {
  cell: number;
  /** Whether its cell stopped before the declaration: it has no value. */
  isUnreached?: boolean;
}

/**
 * The variables that cells share. A name belongs to the cell that declared it last: every other cell
 * reads and writes that cell's own variable, so closures see one value whoever changes it, and the
 * closures of a cell whose declaration was replaced keep to themselves.
 */
export class NotebookScope {
  private readonly bindings = new Map<string, Binding>();
  private readonly ofHost = new Set(Object.getOwnPropertyNames(globalThis));
  private readonly reflected = new Set<string>();

  /**
   * @param builtins what cells find without declaring it, unless one of them does
   * @param assigned is told of names that a cell assigns and no cell declares
   */
  constructor(
    private readonly builtins: ReadonlyMap<string, () => unknown> = new Map(),
    private readonly assigned: (name: string) => void = () => {},
  ) {}

  /** Whether a name is more than a global of the process, or than what every cell has of its own. */
  has(name: string): boolean {
    if (name === 'require') return this.bindings.has(name);
    return this.bindings.has(name) || this.builtins.has(name) || !(name in globalThis);
  }

  /** The value of a name, undefined where there is none. */
  peek(name: string): unknown {
    const binding = this.bindings.get(name) ?? this.builtin(name);
    return binding ? binding.get() : (globalThis as Record<string, unknown>)[name];
  }

  /** Makes variables properties of the global object, but for names that it had from the beginning. */
  reflect(names: Iterable<string>): void {
    for (const name of names) {
      if (this.ofHost.has(name)) continue;
      this.reflected.add(name);
      Object.defineProperty(globalThis, name, {
        configurable: true,
        enumerable: true,
        get: () => this.bindings.get(name)?.get(),
        set: (value: unknown) => this.bindings.get(name)?.set?.(value),
      });
    }
  }

  private builtin(name: string): Accessor | undefined {
    const get = this.builtins.get(name);
    return get && { get };
  }

  /** The `exports` object for the code of one cell. */
  openCell(cell: number, declared: ReadonlySet<string>): CellExports {
    const builtin = (name: string) => this.builtin(name);
    const isThere = (name: string) =>
      name === 'require' ||
      this.builtins.has(name) ||
      (name in globalThis && !this.reflected.has(name));
    return new CellExports(cell, declared, this.bindings, builtin, isThere, this.assigned);
  }
}

/** What one cell's compiled code gets as `exports`, and how it takes its names over. */
class CellExports {
  private readonly accessors = new Map<string, Accessor>();
  private readonly claimed = new Set<string>();
  readonly proxy: object;

  constructor(
    private readonly cell: number,
    private readonly declared: ReadonlySet<string>,
    private readonly bindings: Map<string, Binding>,
    private readonly builtin: (name: string) => Accessor | undefined,
    /** Whether a name has a value without a cell that declares it. */
    private readonly isThere: (name: string) => boolean,
    private readonly assigned: (name: string) => void,
  ) {
    this.proxy = new Proxy(
      {},
      {
        get: (_, name) => this.read(name),
        has: (_, name) => typeof name === 'string' && this.bindings.has(name),
        set: (_, name, value) => this.write(name, value),
        defineProperty: (_, name, property) => this.define(name, property),
        deleteProperty: (_, name) => typeof name === 'string' && this.bindings.delete(name),
      },
    );
  }

  /** Called first by the cell's code, with access to its own variables. */
  bind(accessors: Record<string, [() => unknown, ((value: unknown) => void)?]>): void {
    for (const [name, [get, set]] of Object.entries(accessors)) {
      this.accessors.set(name, { get, set });
    }
  }

  /** The cell has ended: names without an initial value are taken over now. */
  complete(): void {
    for (const [name, accessor] of this.accessors) {
      if (!this.claimed.has(name)) this.claim(name, accessor);
    }
  }

  /**
   * The cell stopped half-way: names whose declaration was not reached keep the value that they had, or say so when
   * they are read. They stay so where its code goes on all the same.
   *
   * @returns those that keep their value.
   */
  abandon(label: string): string[] {
    const kept: string[] = [];
    for (const name of this.declared) {
      if (this.claimed.has(name)) continue;
      this.claimed.add(name);
      const before = this.bindings.get(name);
      if (before && before.cell > this.cell) continue; // a later cell's
      if (before ? !before.isUnreached : this.isThere(name)) {
        kept.push(name);
        continue;
      }
      const get = () => {
        throw new ReferenceError(
          `Cannot read '${name}' as ${label}, which declares it, stopped before the declaration`,
        );
      };
      this.claim(name, { get, set: get }, true);
    }
    return kept;
  }

  private read(name: string | symbol): unknown {
    if (typeof name !== 'string') return undefined;
    const known = this.bindings.get(name) ?? this.builtin(name);
    if (known) return known.get();
    if (name in globalThis) return (globalThis as Record<string, unknown>)[name];
    throw new ReferenceError(`${name} is not defined`);
  }

  private write(name: string | symbol, value: unknown): boolean {
    if (typeof name !== 'string') return false;
    if (this.declared.has(name)) {
      if (!this.claimed.has(name)) this.claim(name, this.accessors.get(name) ?? constant(value));
      return true;
    }
    const binding = this.bindings.get(name);
    if (binding && !binding.set) throw new TypeError(`Assignment to constant variable '${name}'`);
    if (binding) binding.set?.(value);
    else if (name in globalThis) (globalThis as Record<string, unknown>)[name] = value;
    else {
      this.bindings.set(name, { cell: this.cell, ...variable(value) });
      this.assigned(name);
    }
    return true;
  }

  private define(name: string | symbol, property: PropertyDescriptor): boolean {
    if (typeof name !== 'string' || name === '__esModule') return true;
    this.claim(name, property.get ? { get: property.get } : constant(property.value));
    return true;
  }

  private claim(name: string, accessor: Accessor, isUnreached = false): void {
    this.claimed.add(name);
    const owner = this.bindings.get(name);
    if (!owner || owner.cell <= this.cell)
      this.bindings.set(name, { cell: this.cell, isUnreached, ...accessor });
  }
}

function constant(value: unknown): Accessor {
  return { get: () => value };
}

function variable(initial: unknown): Accessor {
  let value = initial;
  return { get: () => value, set: (next) => (value = next) };
}
