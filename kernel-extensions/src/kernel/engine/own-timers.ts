/**
 * Node's timers, as they are before any cell runs. A cell may put others in their place, as `mock.timers` of node:test does: then
 * nothing but the cell's own calls would let the kernel go on.
 */
export const { setImmediate, clearImmediate, setTimeout, clearTimeout } = globalThis;
