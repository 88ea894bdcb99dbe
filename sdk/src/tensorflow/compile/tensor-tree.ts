import { tf } from '../backend';

/** Tensors in arrays, objects, maps; anything else in it is a plain value. */
export type TensorTree =
  | tf.Tensor
  | null
  | undefined
  | number
  | string
  | boolean
  | readonly TensorTree[]
  | { readonly [name: string]: TensorTree }
  | ReadonlyMap<string, TensorTree>;

/** The tensors of a tree, in a fixed order, with a text that holds everything else. */
export interface FlatTree {
  tensors: tf.Tensor[];
  /** Equal for trees of equal structure, types, shapes, sharing of tensors, and plain values. */
  signature: string;
}

/** Takes the tensors out of a tree. */
export function flattenTree(tree: TensorTree): FlatTree {
  const tensors: tf.Tensor[] = [];
  const visit = (value: TensorTree): string => {
    if (value instanceof tf.Tensor) {
      tensors.push(value);
      return `${value.dtype}[${value.shape}]`;
    }
    if (Array.isArray(value)) return `(${value.map(visit).join()})`;
    if (value instanceof Map) {
      return `Map(${[...value].map(([name, item]) => `${JSON.stringify(name)}:${visit(item)}`).join()})`;
    }
    if (typeof value === 'object' && value !== null) {
      return `{${Object.entries(value)
        .map(([name, item]) => `${JSON.stringify(name)}:${visit(item as TensorTree)}`)
        .join()}}`;
    }
    if (typeof value === 'function') {
      throw new Error('Cannot take tensors out of a tree as it must hold data: found a function');
    }
    return value === undefined || Number.isNaN(value) ? String(value) : JSON.stringify(value);
  };
  const signature = visit(tree);
  const first = new Map<object, number>();
  const shared = tensors.map(({ dataId }, index) => {
    if (!first.has(dataId)) first.set(dataId, index);
    return first.get(dataId);
  });
  return { tensors, signature: `${signature} ${shared}` };
}

/** Puts tensors in the places that the tensors of `tree` have, in the order of `flattenTree`. */
export function replaceTensors<Tree extends TensorTree>(tree: Tree, tensors: tf.Tensor[]): Tree {
  let next = 0;
  const visit = (value: TensorTree): TensorTree => {
    if (value instanceof tf.Tensor) return tensors[next++];
    if (Array.isArray(value)) return value.map(visit);
    if (value instanceof Map) {
      return new Map([...value].map(([name, item]) => [name, visit(item as TensorTree)]));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [name, visit(item as TensorTree)]),
      );
    }
    return value;
  };
  return visit(tree) as Tree;
}
