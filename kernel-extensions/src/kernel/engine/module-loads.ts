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
  /** Files whose load has begun since none was open. */
  private readonly begun = new Set<string>();

  /** @param slots where the interrupt thread sees how many there are. */
  constructor(private readonly slots: Int32Array) {
    // Every require() of a CommonJS module comes here, whoever calls it.
    const prototype = Module.prototype as unknown as LoadedModule;
    const { load } = prototype;
    const { begun } = this;
    const hold = this.hold.bind(this);
    prototype.load = function (path) {
      begun.add(path);
      hold(() => load.call(this, path));
    };
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
    // Native code is there once.
    for (const path of this.begun) if (!path.endsWith('.node')) delete cache[path];
    this.release();
  }

  private count(): void {
    if (this.open.size === 0) this.begun.clear();
    Atomics.store(this.slots, Slot.Loading, this.open.size);
  }
}
