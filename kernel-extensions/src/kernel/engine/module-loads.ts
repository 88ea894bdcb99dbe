import { createRequire, Module } from 'node:module';
import { Slot } from './interrupt-slots';

interface LoadedModule {
  load(this: NodeModule, path: string): void;
}

/**
 * Modules that Node is loading. One that is stopped half-way stays as it is in Node's cache, without what it had yet to
 * define, so that an interrupt waits for them, unless it is repeated.
 */
export class ModuleLoads {
  private readonly open = new Set<object>();
  /** Files of CommonJS whose load has begun since none of them was loading. */
  private readonly begun = new Set<string>();
  /** How many of them are loading: one from within the other. */
  private depth = 0;

  /** @param slots where the interrupt thread sees how many there are. */
  constructor(private readonly slots: Int32Array) {
    // Every require() of a CommonJS module comes here, whoever calls it.
    const prototype = Module.prototype as unknown as LoadedModule;
    const { load } = prototype;
    const require = this.require.bind(this);
    prototype.load = function (path) {
      require(path, () => load.call(this, path));
    };
  }

  private require(path: string, work: () => void): void {
    this.begun.add(path);
    this.depth += 1;
    try {
      this.hold(work);
    } finally {
      this.depth -= 1;
      if (this.depth === 0) this.begun.clear();
    }
  }

  /** Loads a module, or several. */
  hold<T>(work: () => T): T {
    const one = {};
    const end = () => {
      this.open.delete(one);
      this.count();
    };
    this.open.add(one);
    this.count();
    let isGoingOn = false;
    try {
      const result = work();
      isGoingOn = result instanceof Promise;
      if (result instanceof Promise) void result.then(end, end);
      return result;
    } finally {
      if (!isGoingOn) end();
    }
  }

  /** A cell has ended: what it left loading holds off no interrupt of the cells after it. */
  release(): void {
    this.open.clear();
    this.count();
  }

  /** Running JavaScript was stopped: what was loading then is loaded anew, with all that may hold a part of it. */
  forgetStopped(): void {
    const { cache } = createRequire(__filename);
    const begun = [...this.begun].flatMap((path) => cache[path] ?? []);
    const torn = new Set(begun.filter(({ loaded }) => !loaded));
    for (const part of torn)
      for (const one of begun) if (one.children.includes(part)) torn.add(one);
    // Native code is there once.
    for (const { filename } of torn) if (!filename.endsWith('.node')) delete cache[filename];
    this.depth = 0;
    this.begun.clear();
    this.release();
  }

  private count(): void {
    Atomics.store(this.slots, Slot.Loading, this.open.size);
  }
}
