import { compile, tf, type CompiledFunction, type TensorTree } from '../tensorflow';
import type { ModelInputs, TrainableModel } from './model-mixin';

type State = string;
type NamedTensors = Record<string, tf.Tensor>;

/** A batch of another shape is recorded anew; so many recordings of each pass are kept. */
const RECORDINGS = 8;

/**
 * A model that runs as one graph, compiled by XLA; its gradients are one graph as well, which runs the
 * forward pass again instead of storing what lies between. The weights stay the model's own.
 *
 * Gradients reach the trainable weights, not the inputs. The first batch of a shape takes seconds to
 * compile. Without the native library the model itself is called.
 *
 * @example
 * const model = new CompiledModel(pipeline.transformer);
 * const [velocity] = model.forward(inputs);
 */
export class CompiledModel implements TrainableModel {
  readonly #model: TrainableModel;
  readonly #forward: CompiledFunction<[State, TensorTree], tf.Tensor>;
  readonly #backward: CompiledFunction<[State, TensorTree, tf.Tensor], NamedTensors>;
  /** Names of the weights that a prediction depends on, by state. */
  readonly #connected = new Map<State, string[]>();

  constructor(model: TrainableModel) {
    this.#model = model;
    const predict = (inputs: TensorTree): tf.Tensor => {
      const result = model.forward(inputs);
      return 'sample' in result ? result.sample : result[0];
    };
    this.#forward = compile((_state: State, inputs: TensorTree) => predict(inputs), {
      name: 'forward pass',
      maxSignatures: RECORDINGS,
    });
    this.#backward = compile(
      (_state: State, inputs: TensorTree, dy: tf.Tensor): NamedTensors => {
        const variables = model.trainableVariables();
        const { grads } = tf.variableGrads(
          () => tf.sum(tf.mul(predict(inputs), dy)) as tf.Scalar,
          [...variables.values()],
        );
        return Object.fromEntries(
          [...variables].flatMap(([name, variable]) => {
            const gradient = grads[variable.name] as tf.Tensor | undefined;
            return gradient ? [[name, gradient]] : [];
          }),
        );
      },
      { name: 'backward pass', maxSignatures: RECORDINGS },
    );
  }

  get config(): object {
    return this.#model.config;
  }

  get adapters(): TrainableModel['adapters'] {
    return this.#model.adapters;
  }

  trainableVariables(): Map<string, tf.Variable> {
    return this.#model.trainableVariables();
  }

  addLora(options: Parameters<TrainableModel['addLora']>[0]): void {
    this.#model.addLora(options);
  }

  /** Predicts. @returns `[prediction]` */
  forward(inputs: ModelInputs): [tf.Tensor] {
    const state = this.#state();
    const tree = inputs as TensorTree;
    if (!tf.engine().isTapeOn()) return [this.#forward(state, tree)];
    const variables = this.#model.trainableVariables();
    const names = this.#connectedNames(state, tree);
    const run = tf.customGrad((...args: unknown[]) => {
      const save = args[args.length - 1] as (tensors: tf.Tensor[]) => void;
      // Saved, they outlive the scope that made them.
      save(Object.values(inputs).filter((value): value is tf.Tensor => value instanceof tf.Tensor));
      return {
        value: this.#forward(state, tree),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
          const gradients = this.#backward(state, withTensors(inputs, saved), dy);
          return names.map((name) => gradients[name]);
        },
      };
    });
    return [run(...names.map((name) => variables.get(name) as tf.Tensor))];
  }

  /** Lets go of everything recorded. The model stays. */
  dispose(): void {
    this.#forward.dispose();
    this.#backward.dispose();
    this.#connected.clear();
  }

  /** What a recording depends on besides shapes: which weights there are, and which adapters take part. */
  #state(): State {
    const { enabled, active } = this.#model.adapters;
    const variables = this.#model.trainableVariables();
    const [first] = variables.values();
    return `${variables.size} from ${first?.name}; ${enabled ? active.join() : 'no adapters'}`;
  }

  #connectedNames(state: State, inputs: TensorTree): string[] {
    const known = this.#connected.get(state);
    if (known !== undefined) return known;
    const prediction = this.#forward(state, inputs);
    const zeros = tf.zerosLike(prediction);
    const gradients = this.#backward(state, inputs, zeros);
    tf.dispose([prediction, zeros, ...Object.values(gradients)]);
    const names = Object.keys(gradients);
    this.#connected.set(state, names);
    return names;
  }
}

/** The inputs with other tensors in the places of theirs, in order. */
function withTensors(inputs: ModelInputs, tensors: readonly tf.Tensor[]): TensorTree {
  let next = 0;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      value instanceof tf.Tensor ? tensors[next++] : (value as TensorTree),
    ]),
  );
}
