// For each name among the arguments, prints how many operations were recorded for it and the bits that came of it: predictions and
// gradients of a tiny transformer that is changed in some way, or of a function of one's own that XLA compiles.
import { createHash } from 'node:crypto';
import { compileDifferentiable, CompiledModel, linear, RandomKey, silu, tf } from '@flowbook/sdk';
import {
  recordingBackend,
  type RecordingBackend,
} from '../../../sdk/src/tensorflow/compile/binding';
import { tinyInputs, tinyTransformer } from '../models/tiny-transformer';

type Predict = (inputs: Record<string, unknown>) => tf.Tensor;
type Case = { predict: Predict; inputs: Record<string, unknown>; variables: tf.Variable[] };

const backend = recordingBackend() as RecordingBackend;
const { binding } = backend;
let operations = 0;
backend.binding = Object.create(binding, {
  addOperation: {
    value: (...args: Parameters<typeof binding.addOperation>) => {
      operations++;
      return binding.addOperation(...args);
    },
  },
}) as typeof binding;

function transformer(change: string): Case {
  const model = tinyTransformer();
  model.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
  for (const { B } of model.adapters.get('default').values()) B.assign(tf.fill(B.shape, 0.1));
  if (change === 'weight') model.setAdapters('default', 0.5);
  if (change === 'checkpointing') model.enableGradientCheckpointing();
  if (change === 'forward') {
    const forward = model.forward.bind(model) as (inputs: unknown) => [tf.Tensor];
    model.forward = ((inputs: unknown) => [tf.mul(forward(inputs)[0], 2)]) as never;
  }
  const compiled = new CompiledModel(model);
  return {
    predict: (inputs) => compiled.forward(inputs)[0],
    inputs: { ...tinyInputs() },
    variables: [...model.trainableVariables().values()],
  };
}

/**
 * With every operation that is shared within a graph, and a table that is too large to be part of it; a tensor from outside where
 * the change says so.
 */
function ownFunction(change: string): Case {
  const w = tf.variable(tf.mul(tf.add(tf.eye(8), 0.1), 0.5) as tf.Tensor2D);
  const b = tf.variable(tf.linspace(-1, 1, 8));
  const outside = tf.add(tf.linspace(0, 1, 512), change === 'outside' ? 1 : 0);
  const compiled = compileDifferentiable(
    ({ x }: { x: tf.Tensor2D }) => {
      const y = silu(linear(x, w as tf.Tensor as tf.Tensor2D, b as tf.Tensor as tf.Tensor1D));
      const weights = tf.softmax(tf.mul(y, tf.rsqrt(tf.add(tf.square(y), 1))));
      const table = tf.tensor1d(Float32Array.from({ length: 512 }, (_, at) => Math.sin(at * at)));
      const z = tf.mul(tf.mul(weights, y), tf.sum(table));
      return change === 'outside' ? tf.mul(z, tf.sum(outside)) : z;
    },
    {
      xla: true,
      variables: () => [w, b],
      closedOver: ({ x }: { x: tf.Tensor2D }) => ({
        identity: [change === 'outside', x],
        variables: new Map<string, tf.Variable>([
          ['w', w],
          ['b', b],
        ]),
      }),
    },
  );
  const rows = change === 'more rows' ? 5 : 3;
  const x = tf.reshape(tf.linspace(-2, 2, rows * 8), [rows, 8]);
  return { predict: compiled as never, inputs: { x }, variables: [w, b] };
}

// The name of a variable counts from the program's start: another program counts otherwise.
for (let other = 0; other < Number(process.env.VARIABLES_BEFORE ?? 0); other++) {
  tf.variable(tf.scalar(0));
}
for (const name of process.argv.slice(2)) {
  const [kind, change] = name.split(':');
  const { predict, inputs, variables } = (kind === 'own' ? ownFunction : transformer)(change);
  const hash = createHash('sha256');
  const add = (tensor: tf.Tensor) => hash.update(new Uint8Array(tensor.dataSync().slice().buffer));
  operations = 0;
  add(predict(inputs));
  const loss = () => tf.sum(tf.square(predict(inputs))) as tf.Scalar;
  const { grads } = tf.variableGrads(loss, variables);
  for (const { name } of variables) if (grads[name] !== undefined) add(grads[name]);
  console.log(JSON.stringify({ name, operations, bits: hash.digest('hex') }));
}
