import { tf } from '../../../sdk/src/tensorflow';

interface TapeNode {
  name: string;
  inputs: number[];
  outputs: number[];
}

interface Engine {
  addTapeNode(
    name: string,
    inputs: Record<string, tf.Tensor>,
    outputs: tf.Tensor[],
    gradients: unknown,
    ...rest: unknown[]
  ): void;
}

/** Where a gradient written by hand stands, as `models/layers/attention`; it has no kernel to be named by. */
function customName(): string {
  const files = [...(new Error().stack ?? '').matchAll(/sdk\/src\/([\w/-]+)\.ts/g)];
  const home = files.find(([, file]) => !/layers\/differentiable|tensorflow\/scope/.test(file));
  return home === undefined ? 'a custom gradient' : home[1];
}

/**
 * The operations that a gradient goes through: those between the variables and the loss. Kernels by tfjs's names,
 * gradients written by hand by the file that they stand in.
 *
 * @param loss Computed once, under a gradient.
 */
export function recordOperations(
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
): Set<string> {
  const nodes: TapeNode[] = [];
  const engine = tf.engine() as unknown as Engine;
  const { addTapeNode } = engine;
  engine.addTapeNode = function (name, inputs, outputs, gradients, ...rest) {
    nodes.push({
      name: typeof gradients === 'function' ? customName() : name,
      inputs: Object.values(inputs).flatMap((input) => [input].flat().map(({ id }) => id)),
      outputs: outputs.map(({ id }) => id),
    });
    return addTapeNode.call(this, name, inputs, outputs, gradients, ...rest);
  };
  let end = -1;
  try {
    const { value, grads } = tf.variableGrads(() => {
      const y = loss();
      end = y.id;
      return y;
    }, [...variables]);
    tf.dispose([value, ...Object.values(grads).filter((gradient) => gradient !== null)]);
  } finally {
    engine.addTapeNode = addTapeNode;
  }
  return onThePath(nodes, new Set(variables.map(({ id }) => id)), new Set([end]));
}

function onThePath(nodes: TapeNode[], from: Set<number>, to: Set<number>): Set<string> {
  const reached = nodes.filter(({ inputs, outputs }) => {
    const depends = inputs.some((id) => from.has(id));
    if (depends) outputs.forEach((id) => from.add(id));
    return depends;
  });
  const names = new Set<string>();
  for (const { name, inputs, outputs } of reached.reverse()) {
    if (!outputs.some((id) => to.has(id))) continue;
    inputs.forEach((id) => to.add(id));
    names.add(name);
  }
  return names;
}
