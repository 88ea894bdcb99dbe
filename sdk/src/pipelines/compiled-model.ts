import { compileDifferentiable, type CompiledFunction, type TensorTree, tf } from '../tensorflow';
import type { ModelInputs, TrainableModel } from './model-mixin';

/** A batch of another shape is recorded anew; so many recordings of each pass are kept. */
const RECORDINGS = 8;

/**
 * A model that runs as one graph; its gradients are one graph as well, which runs the forward pass
 * again instead of storing what lies between. The weights stay the model's own.
 *
 * Gradients reach the trainable weights, not the inputs. The first batch of a shape takes a second
 * longer. Without the native library the model itself is called.
 *
 * @example
 * const model = new CompiledModel(pipeline.transformer);
 * const { embeds, mask } = pipeline.encodePrompt(['a red circle']);
 * const [velocity] = model.forward({
 *   hidden_states: tf.randomNormal([1, 16, 16]),
 *   timestep: tf.tensor1d([0.5]),
 *   encoder_hidden_states: embeds,
 *   encoder_hidden_states_mask: mask,
 *   img_shapes: [[[1, 4, 4]]],
 * });
 * velocity.shape; // [1, 16, 16]
 * model.dispose();
 */
export class CompiledModel implements TrainableModel {
  readonly #model: TrainableModel;
  readonly #predict: CompiledFunction<[state: string, inputs: TensorTree], tf.Tensor>;

  constructor(model: TrainableModel) {
    this.#model = model;
    this.#predict = compileDifferentiable(
      (_state, inputs: TensorTree) => {
        const result = model.forward(inputs);
        return 'sample' in result ? result.sample : result[0];
      },
      {
        name: model.constructor.name,
        maxSignatures: RECORDINGS,
        variables: () => [...model.trainableVariables().values()],
      },
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
    return [this.#predict(this.#state(), inputs as TensorTree)];
  }

  /** Lets go of everything recorded. The model stays. */
  dispose(): void {
    this.#predict.dispose();
  }

  /** What a recording depends on besides shapes: which weights there are, and which adapters take part. */
  #state(): string {
    const { enabled, active } = this.#model.adapters;
    const weightOf = (name: string) => this.#model.adapters.weightOf(name);
    const variables = this.#model.trainableVariables();
    const [first] = variables.values();
    return `${variables.size} from ${first?.name}; ${enabled ? active.map((name) => `${name}*${weightOf(name)}`).join() : 'no adapters'}`;
  }
}
