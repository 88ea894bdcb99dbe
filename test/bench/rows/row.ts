import type { tf } from '@flowbook/sdk';

/** Named tensors that both sides start from; written to a file for PyTorch. */
export type Inputs = Record<string, tf.Tensor>;

/** What one run gives: the numbers that the sides are compared by. The caller disposes them. */
export type Outputs = Record<string, tf.Tensor>;

/** Work that is ready to be run again and again. */
export interface Job {
  run(): Promise<Outputs> | Outputs;
  /** Frees the inputs as well. */
  dispose(): void;
}

/** One row of the benchmark that is timed: the same work on both sides. */
export interface Row {
  name: string;
  /** Whether the row is also timed under torch.compile, and has a floor. */
  isModelRow: boolean;
  inputs(): Inputs;
  /** The checkpoint, where it is not the mid-size one. */
  folder?: string;
  /** @param folder The checkpoint. */
  prepare(folder: string, inputs: Inputs): Job;
  /** Operations of the transformer's matrix products in one run. */
  flops?(): number;
  /** Largest deviation allowed, relative to the largest number of PyTorch's. */
  tolerance: number;
  /** Why this machine cannot run the row; null when it can. */
  obstacle?(): string | null;
}
