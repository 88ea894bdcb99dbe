import type { tf } from '../tensorflow';

/** One timestep for all rows, or one a row. */
export type Timesteps = number | readonly number[] | Float32Array | tf.Tensor;

/** One number for all rows, or one a row. */
export interface RowValues {
  values: number[];
  perRow: boolean;
}

/** What a number, a scalar tensor or a list of one number a row says of B rows. */
export function rowValues(action: string, name: string, given: Timesteps, B: number): RowValues {
  const values =
    typeof given === 'number'
      ? [given]
      : Array.from('dataSync' in given ? given.dataSync() : given);
  const perRow = typeof given !== 'number' && !('rank' in given && given.rank === 0);
  if (perRow && values.length !== B) {
    throw new Error(
      `Cannot ${action} as ${name} must hold one value a row (${B}): it holds ${values.length}`,
    );
  }
  return { values, perRow };
}

/** Refuses what is not float32 in the sample's shape (B, ...): it would be spread over it, or computed in whole numbers. */
export function checkOperands(
  action: string,
  operands: Record<string, tf.Tensor | null | undefined>,
): void {
  const shape = operands.sample?.shape;
  if (shape?.length === 0) {
    throw new Error(`Cannot ${action} as sample must have rows, as (B, ...): its shape is []`);
  }
  for (const [name, tensor] of Object.entries(operands)) {
    if (!tensor) continue;
    if (tensor.dtype !== 'float32') {
      throw new Error(`Cannot ${action} as ${name} must be float32: it is ${tensor.dtype}`);
    }
    if (tensor.shape.join() !== shape?.join()) {
      throw new Error(
        `Cannot ${action} as ${name} must have the sample's shape [${shape}]: it has [${tensor.shape}]`,
      );
    }
  }
}
