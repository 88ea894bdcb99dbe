/** File descriptor on which the server writes a byte for each interrupt. */
export const INTERRUPT_PIPE = 4;

/** Numbers shared between the main thread and the interrupt thread. */
export enum Slot {
  /** The last interrupt that the main thread has taken. */
  Taken,
  /** The last interrupt for which running JavaScript was stopped. */
  Stopped,
  /** 1 while the compiler runs. */
  Compiling,
}

export const SLOT_COUNT = 3;
