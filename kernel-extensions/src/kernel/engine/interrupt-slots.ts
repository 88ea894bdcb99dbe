/** File descriptor on which the server writes a line for each interrupt: the number of the running cell, or 0. */
export const INTERRUPT_PIPE = 4;

/** An interrupt on its way from the thread that hears it to the main thread. */
export interface InterruptRequest {
  /** Counts the interrupts of this session. */
  request: number;
  /** The cell that ran when it was asked for; 0 when none did. */
  cell: number;
}

/** Numbers shared between the main thread and the interrupt thread. */
export enum Slot {
  /** The last interrupt that the main thread has taken. */
  Taken,
  /** The last interrupt for which running JavaScript was stopped. */
  Stopped,
  /** The last interrupt whose cell has ended, on its own or not. */
  Settled,
  /** 1 while the compiler runs. */
  Compiling,
  /** How many modules Node is loading. */
  Loading,
}

export const SLOT_COUNT = 5;
