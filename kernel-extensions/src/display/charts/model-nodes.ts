import { refuse } from '../refuse';
import { readNumbers, type TensorLike } from '../tensor-like';

/** Tensors by their path in a model, such as `transformer_blocks.0.attn.to_q.weight`. */
export type NamedTensors = ReadonlyMap<string, TensorLike> | Readonly<Record<string, TensorLike>>;

/** A part of a model: a tensor, or all below a path. */
export interface ModelNode {
  /** The last parts of its path. */
  name: string;
  depth: number;
  tensors: number;
  /** A tensor's own shape. */
  shape: readonly number[] | null;
  parameters: number;
  bytes: number;
  /** Root of the mean square of its weights. */
  rms: number;
  /** Length of its gradient; NaN where there is none. */
  gradient: number;
  /** Weights and gradients that are not finite. */
  broken: number;
  children: ModelNode[];
}

/** What is added up over tensors. */
interface Sums {
  squares: number;
  gradientSquares: number;
  withGradient: number;
}

const bytesPerValue: Record<string, number> = { bool: 1, int32: 4, float32: 4, complex64: 8 };

/** A model's parameters as a tree by the dots in their names; paths with one way on are one node. */
export function modelNodes(
  parameters: NamedTensors,
  gradients: NamedTensors | undefined,
): ModelNode {
  const entries = [...entriesOf(parameters)];
  const gradientOf = new Map(gradients ? entriesOf(gradients) : []);
  const unknown = [...gradientOf.keys()].find((name) => !entries.some(([own]) => own === name));
  if (unknown !== undefined) {
    refuse('draw a model', 'every gradient must be of one of its parameters', `"${unknown}"`);
  }
  return build(
    'model',
    0,
    entries.map(([name, tensor]) => ({
      path: name.split('.'),
      tensor,
      gradient: gradientOf.get(name),
    })),
  ).node;
}

function entriesOf(tensors: NamedTensors): Iterable<[string, TensorLike]> {
  return tensors instanceof Map
    ? (tensors as ReadonlyMap<string, TensorLike>)
    : Object.entries(tensors as Readonly<Record<string, TensorLike>>);
}

interface Leaf {
  path: string[];
  tensor: TensorLike;
  gradient: TensorLike | undefined;
}

function build(
  name: string,
  depth: number,
  leaves: readonly Leaf[],
): { node: ModelNode; sums: Sums } {
  const [first] = leaves;
  if (leaves.length === 1 && first.path.length <= 1) return leafNode(name, depth, first);
  const groups = new Map<string, Leaf[]>();
  for (const { path, ...leaf } of leaves) {
    const [head, ...rest] = path.length === 0 ? ['(itself)'] : path;
    groups.set(head, [...(groups.get(head) ?? []), { path: rest, ...leaf }]);
  }
  if (groups.size === 1 && depth > 0) {
    const [[head, below]] = groups;
    return build(`${name}.${head}`, depth, below);
  }
  const parts = [...groups].map(([head, below]) =>
    below.length === 1 && below[0].path.length > 0
      ? build([head, ...below[0].path].join('.'), depth + 1, [{ ...below[0], path: [] }])
      : build(head, depth + 1, below),
  );
  const sums = parts.reduce<Sums>(
    (sum, part) => ({
      squares: sum.squares + part.sums.squares,
      gradientSquares: sum.gradientSquares + part.sums.gradientSquares,
      withGradient: sum.withGradient + part.sums.withGradient,
    }),
    { squares: 0, gradientSquares: 0, withGradient: 0 },
  );
  const children = parts.map(({ node }) => node);
  const add = (field: 'tensors' | 'parameters' | 'bytes' | 'broken') =>
    children.reduce((sum, child) => sum + child[field], 0);
  const node: ModelNode = {
    name,
    depth,
    tensors: add('tensors'),
    shape: null,
    parameters: add('parameters'),
    bytes: add('bytes'),
    rms: Math.sqrt(sums.squares / add('parameters')),
    gradient: sums.withGradient > 0 ? Math.sqrt(sums.gradientSquares) : NaN,
    broken: add('broken'),
    children,
  };
  return { node, sums };
}

function leafNode(name: string, depth: number, { path, tensor, gradient }: Leaf) {
  const weights = squaresOf(tensor);
  const slope = gradient ? squaresOf(gradient) : null;
  const parameters = tensor.shape.reduce((product, side) => product * side, 1);
  const node: ModelNode = {
    name: [name, ...path].join('.'),
    depth,
    tensors: 1,
    shape: tensor.shape,
    parameters,
    bytes: parameters * (bytesPerValue[tensor.dtype] ?? 4),
    rms: Math.sqrt(weights.squares / parameters),
    gradient: slope ? Math.sqrt(slope.squares) : NaN,
    broken: weights.broken + (slope?.broken ?? 0),
    children: [],
  };
  const sums: Sums = {
    squares: weights.squares,
    gradientSquares: slope?.squares ?? 0,
    withGradient: slope ? 1 : 0,
  };
  return { node, sums };
}

/** Sum of the squares of the finite values, and how many are not finite. */
function squaresOf(tensor: TensorLike): { squares: number; broken: number } {
  const numbers = readNumbers(tensor);
  let squares = 0;
  let broken = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isFinite(numbers[i])) squares += numbers[i] ** 2;
    else broken += 1;
  }
  return { squares, broken };
}

/** The nodes to draw, parents before children: to a depth, or level by level as long as there are at most `most`. */
export function openNodes(root: ModelNode, most: number, depth: number | undefined): ModelNode[] {
  const open = (node: ModelNode, deepest: number): ModelNode[] => [
    node,
    ...(node.depth < deepest ? node.children.flatMap((child) => open(child, deepest)) : []),
  ];
  if (depth !== undefined) return open(root, depth);
  let rows = open(root, 1);
  for (let level = 2; ; level++) {
    const next = open(root, level);
    if (next.length === rows.length || next.length > most) return rows;
    rows = next;
  }
}
