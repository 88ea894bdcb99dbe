import { checkOptions, FUNCTION, SWITCH, type Rules } from '../core/option-rules';
import {
  compileDifferentiable,
  tf,
  type DifferentiableFunction,
  type FirstCallProgress,
  type PreparedCall,
  type Pullback,
  type TensorTree,
} from '../tensorflow';
import { closedOverBy } from '../models/closed-over';
import type { ModelInputs, TrainableModel } from './model-mixin';

/** A batch of another shape is recorded anew; so many recordings of each pass are kept. */
const RECORDINGS = 8;

/** How a compiled model computes its gradient. */
export interface CompiledModelOptions {
  /** Compute the forward pass again in the backward pass: a third more work, less memory. Default false. */
  remat?: boolean;
  /** Told of the first call for a batch of a new shape, and of its first gradient; as `compile`'s. */
  onFirstCall?: (progress: FirstCallProgress) => void;
}

const RULES: Rules<CompiledModelOptions> = { remat: SWITCH, onFirstCall: FUNCTION };

type Wanted = 'value' | 'gradient';

function wanted(): Wanted {
  return tf.engine().isTapeOn() ? 'gradient' : 'value';
}

/** What tells one recording from another. */
function keyOf(state: string, inputs: ModelInputs): string {
  const shapes = Object.entries(inputs).map(([name, value]) =>
    value instanceof tf.Tensor ? [name, value.dtype, value.shape] : [name, value],
  );
  return `${state} ${JSON.stringify(shapes)}`;
}

/**
 * A model that runs as one graph; its gradients are one graph as well, which starts from what the forward pass kept. The
 * weights stay the model's own.
 *
 * Gradients reach the trainable weights, not the inputs. The first batch of a shape takes seconds longer. Without the
 * native library the model itself is called.
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
  readonly #predict: DifferentiableFunction<[state: string, inputs: TensorTree]>;
  #lastCallMs = Infinity;
  /** How long the last call for a batch of some shapes took, of those whose recordings are kept. */
  readonly #callMs = { value: new Map<string, number>(), gradient: new Map<string, number>() };

  constructor(model: TrainableModel, options: CompiledModelOptions = {}) {
    checkOptions('compile a model', options, RULES);
    const { remat = false, onFirstCall } = options;
    this.#model = model;
    this.#predict = compileDifferentiable(
      (_state, inputs: TensorTree) => {
        const result = model.forward(inputs);
        return 'sample' in result ? result.sample : result[0];
      },
      {
        name: model.constructor.name,
        maxSignatures: RECORDINGS,
        remat,
        onFirstCall,
        closedOver: (_state: string, inputs: TensorTree) => closedOverBy(model, inputs),
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
    const state = this.#state();
    const startedAt = performance.now();
    const prediction = this.#predict(state, inputs as TensorTree);
    this.#tookMs(performance.now() - startedAt, wanted(), keyOf(state, inputs));
    return [prediction];
  }

  /** How long the last prediction took; infinity before the first, whose graph has to be compiled. */
  get lastCallMs(): number {
    return this.#lastCallMs;
  }

  /**
   * How long the last prediction for a batch of these shapes took, with its gradient where the tape is on; infinity where the
   * graph has to be compiled first.
   */
  lastCallMsFor(inputs: ModelInputs): number {
    return this.#callMs[wanted()].get(keyOf(this.#state(), inputs)) ?? Infinity;
  }

  /** Gets a prediction ready that runs on another thread, or null without the native library. */
  prepare(inputs: ModelInputs): PreparedCall<tf.Tensor, tf.Tensor> | null {
    if (this.#predict.preparePullback === null) return null;
    const state = this.#state();
    const prepared = this.#predict.prepare(state, inputs as TensorTree);
    return this.#timedLater(prepared, 'value', keyOf(state, inputs));
  }

  /** The same for a prediction whose gradient is wanted. */
  preparePullback(inputs: ModelInputs): PreparedCall<tf.Tensor, Pullback> | null {
    if (this.#predict.preparePullback === null) return null;
    const state = this.#state();
    const prepared = this.#predict.preparePullback(state, inputs as TensorTree);
    return this.#timedLater(prepared, 'gradient', keyOf(state, inputs));
  }

  /** Lets go of everything recorded. The model stays. */
  dispose(): void {
    this.#predict.dispose();
  }

  #timedLater<Outline, Given>(
    prepared: PreparedCall<Outline, Given>,
    kind: Wanted,
    key: string,
  ): PreparedCall<Outline, Given> {
    const run = async () => {
      const startedAt = performance.now();
      const given = await prepared.run();
      this.#tookMs(performance.now() - startedAt, kind, key);
      return given;
    };
    return { outline: prepared.outline, run };
  }

  #tookMs(milliseconds: number, kind: Wanted, key: string): void {
    this.#lastCallMs = milliseconds;
    const known = this.#callMs[kind];
    known.delete(key);
    known.set(key, milliseconds);
    if (known.size > RECORDINGS) known.delete([...known.keys()][0]);
  }

  /** What a recording depends on besides shapes: which weights there are, which adapters take part, what gradients keep. */
  #state(): string {
    const { enabled, active } = this.#model.adapters;
    const weightOf = (name: string) => this.#model.adapters.weightOf(name);
    const variables = this.#model.trainableVariables();
    const [first] = variables.values();
    const gradient = this.#model.isGradientCheckpointing ? ' in blocks' : '';
    return `${variables.size} from ${first?.name}${gradient}; ${enabled ? active.map((name) => `${name}*${weightOf(name)}`).join() : 'no adapters'}`;
  }
}
