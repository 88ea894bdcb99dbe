import type { tf } from '../tensorflow';

/** Tensors that one graph takes: recording it keeps the event loop some ten milliseconds. */
const MOST_TENSORS = 16;

/** Elements that one graph takes: bounds the memory of new values that are not yet assigned. */
const MOST_ELEMENTS = 2 ** 22;

/**
 * Names of weights in groups that one graph each works on, in their order. A group ends with its numbered block, so that the
 * groups of blocks that are alike share their recordings.
 *
 * @param tensors By name: weights, or their gradients.
 * @param setApart Weights for which it differs are in different groups.
 *
 * @example
 * const [a, b] = [tf.zeros([2]), tf.zeros([3])];
 * weightGroups(new Map([['blocks.0.a', a], ['blocks.0.b', b], ['blocks.1.a', a]])); // [['blocks.0.a', 'blocks.0.b'], ['blocks.1.a']]
 */
export function weightGroups(
  tensors: ReadonlyMap<string, tf.Tensor>,
  setApart: (name: string) => unknown = () => null,
): string[][] {
  const groups: { names: string[]; block: string; apart: unknown; elements: number }[] = [];
  for (const [name, { size }] of tensors) {
    const block = /\.\d+\./.exec(name)?.[0] ?? '';
    const apart = setApart(name);
    let group = groups.at(-1);
    const fits =
      group?.block === block &&
      group.apart === apart &&
      group.elements + size <= MOST_ELEMENTS &&
      group.names.length < MOST_TENSORS;
    if (group === undefined || !fits) {
      groups.push((group = { names: [], block, apart, elements: 0 }));
    }
    group.names.push(name);
    group.elements += size;
  }
  return groups.map(({ names }) => names);
}
