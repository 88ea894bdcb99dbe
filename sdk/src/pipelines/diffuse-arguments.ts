import type { tf } from '../tensorflow';

/** Checks that lengths, where given, are one a row. */
export function checkLengths(name: string, lengths: readonly number[] | null, B: number): void {
  if (lengths !== null && lengths.length !== B) {
    throw new Error(
      `Cannot denoise as ${name} must have one length for each of the ${B} rows: current number is ${lengths.length}`,
    );
  }
}

/** The tensors that a callback asked for by name; those that a rollout does not have are left out. */
export function pickTensors(
  tensors: Record<string, tf.Tensor | null>,
  names: readonly string[],
): Record<string, tf.Tensor> {
  const unknown = names.find((name) => !(name in tensors));
  if (unknown !== undefined) {
    throw new Error(
      `Cannot show "${unknown}" to the step's callback: there are ${Object.keys(tensors).join(', ')}`,
    );
  }
  return Object.fromEntries(
    names.flatMap((name) => (tensors[name] === null ? [] : [[name, tensors[name] as tf.Tensor]])),
  );
}
