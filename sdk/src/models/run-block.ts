import { tidyResult, type TensorTree } from '../tensorflow';
import { remat } from './layers';

/**
 * Runs a block of a model in a scope of its own: what it does not save for gradients is free at its end.
 *
 * @param block Takes all tensors as arguments, and other parameters from where it stands.
 */
export type RunBlock = <Arguments extends TensorTree[], Result extends TensorTree>(
  block: (...args: Arguments) => Result,
  ...args: Arguments
) => Result;

/** Saves for gradients what the block's operations save. */
export const runBlockOnce: RunBlock = (block, ...args) => tidyResult(() => block(...args));

/** Saves the arguments alone; the gradient runs the block again. */
export const runBlockAgain: RunBlock = (block, ...args) => remat(block)(...args);
