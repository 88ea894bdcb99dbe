import { tf, type PreparedCall } from '../tensorflow';
import { CompiledModel } from './compiled-model';
import type { ModelInputs, ModelMixin, TrainableModel } from './model-mixin';

/** Predictions that take less run where they are: a rehearsal would take longer than they block. */
const SHORT_CALL_MS = 20;

/** Ends an attempt to predict on this thread. */
class LongPrediction extends Error {}

/**
 * Computes with a model whose predictions are short, as far as is known, on this thread.
 *
 * @param work Asks the model, and is left at its first prediction that is not short: for a batch of a new shape, whose graph
 *   has to be compiled, or one that took long before.
 * @returns What `work` returns, or null when it was left.
 */
export function whereShort<Result>(
  module: CompiledModel,
  work: (module: TrainableModel) => Result,
): { result: Result } | null {
  if (module.lastCallMs > SHORT_CALL_MS) return null;
  const guarded = standIn(module, (inputs) => {
    if (!(module.lastCallMsFor(inputs) <= SHORT_CALL_MS)) throw new LongPrediction();
    return module.forward(inputs)[0];
  });
  try {
    return { result: work(guarded) };
  } catch (error) {
    if (error instanceof LongPrediction) return null;
    throw error;
  }
}

/**
 * Goes through `work` with a model that predicts zeros, to learn which predictions it asks for.
 *
 * What a model is asked must not depend on what it predicted; one step of a rollout or a replay does not.
 *
 * @param prepare Gets a call ready, or null when there is no other thread: then the result is null.
 */
export function rehearse<Given>(
  module: CompiledModel,
  work: (module: TrainableModel) => unknown,
  prepare: (inputs: ModelInputs) => PreparedCall<tf.Tensor, Given> | null,
): { calls: PreparedCall<tf.Tensor, Given>[]; dispose(): void } | null {
  const calls: (PreparedCall<tf.Tensor, Given> | null)[] = [];
  const kept: tf.Tensor[] = [];
  tf.tidy(() => {
    work(
      standIn(module, (inputs) => {
        const held = holdTensors(inputs, kept);
        const call = prepare(held);
        calls.push(call);
        return call === null ? module.forward(inputs)[0] : tf.zeros(call.outline.shape);
      }),
    );
  });
  const dispose = () => tf.dispose(kept);
  if (calls.includes(null)) {
    dispose();
    return null;
  }
  return { calls: calls as PreparedCall<tf.Tensor, Given>[], dispose };
}

/**
 * Runs `work`, the model's predictions on another thread when they are long, so that this one stays free. The result is the
 * same to the last bit.
 *
 * @param work Asks the model and computes with what it predicts, without side effects; may be called twice.
 * @returns What `work` returns; the caller owns it.
 */
export async function offMainThread<Module extends ModelMixin, Result extends tf.TensorContainer>(
  module: Module,
  work: (module: Module | TrainableModel) => Result,
): Promise<Result> {
  if (!(module instanceof CompiledModel)) return tf.tidy(() => work(module));
  const here = whereShort(module, (asked) => tf.tidy(() => work(asked)));
  if (here !== null) return here.result;
  const rehearsal = rehearse(module, work, (inputs) => module.prepare(inputs));
  if (rehearsal === null) return tf.tidy(() => work(module));
  const predictions: tf.Tensor[] = [];
  try {
    for (const call of rehearsal.calls) predictions.push(await call.run());
    let at = 0;
    return tf.tidy(() => work(standIn(module, () => predictions[at++].clone())));
  } finally {
    rehearsal.dispose();
    tf.dispose(predictions);
  }
}

/** The model, with other predictions. */
export function standIn(
  module: CompiledModel,
  predict: (inputs: ModelInputs) => tf.Tensor,
): TrainableModel {
  return {
    config: module.config,
    adapters: module.adapters,
    trainableVariables: () => module.trainableVariables(),
    addLora: (options) => module.addLora(options),
    forward: (inputs: ModelInputs) => [predict(inputs)],
  };
}

/** The inputs with tensors that outlive the rehearsal. */
function holdTensors(inputs: ModelInputs, kept: tf.Tensor[]): ModelInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      if (!(value instanceof tf.Tensor)) return [name, value];
      const held = tf.keep(value.clone());
      kept.push(held);
      return [name, held];
    }),
  );
}
