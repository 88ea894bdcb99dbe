import { lossGradients, type LossGradients, type LossOutput } from '../losses';
import { CompiledModel, type TrainableModel } from '../pipelines';
import { rehearse, standIn, whereShort } from '../pipelines/off-main-thread';
import { tf, type Pullback } from '../tensorflow';
import { addGradients } from './add-gradients';

/**
 * `lossGradients` of a loss that is computed from a model's predictions. Long predictions and their gradients run on another
 * thread, so that this one stays free; the loss itself is small and is computed here.
 *
 * @param ask Asks the model, without side effects: it may be called twice.
 * @param loss Of what `ask` returned; called once.
 * @param variables The model's trainable variables.
 * @throws What `ask` or `loss` throws; nothing is leaked then.
 */
export async function modelLossGradients<Asked>(
  module: TrainableModel,
  ask: (module: TrainableModel) => Asked,
  loss: (asked: Asked) => LossOutput,
  variables: ReadonlyMap<string, tf.Variable>,
): Promise<LossGradients> {
  const here = (asked: TrainableModel) => lossGradients(() => loss(ask(asked)), variables);
  if (!(module instanceof CompiledModel)) return here(module);
  const short = whereShort(module, here);
  if (short !== null) return short.result;
  const rehearsal = rehearse(module, ask, (inputs) => module.preparePullback(inputs));
  if (rehearsal === null) return here(module);
  const pullbacks: Pullback[] = [];
  const predictions: tf.Variable[] = [];
  try {
    for (const call of rehearsal.calls) {
      const pullback = await call.run();
      pullbacks.push(pullback);
      predictions.push(tf.variable(pullback.value));
    }
    let at = 0;
    const part = lossGradients(
      () => loss(ask(standIn(module, () => predictions[at++]))),
      new Map(predictions.map((prediction, index) => [`${index}`, prediction])),
    );
    const gradients = new Map<string, tf.Tensor>();
    try {
      for (const [index, dy] of part.gradients) {
        const byName = await pullbacks[Number(index)].gradients(dy);
        const found = new Map<string, tf.Tensor>();
        for (const [name, variable] of variables) {
          const gradient = byName[variable.name];
          if (gradient !== undefined) found.set(name, gradient);
        }
        addGradients(gradients, found, 1);
        tf.dispose([...found.values()]);
      }
    } catch (error) {
      part.dispose();
      tf.dispose([...gradients.values()]);
      throw error;
    }
    tf.dispose([...part.gradients.values()]);
    part.gradients.clear();
    for (const [name, gradient] of gradients) part.gradients.set(name, gradient);
    return part;
  } finally {
    rehearsal.dispose();
    for (const pullback of pullbacks) pullback.dispose();
    tf.dispose(predictions);
  }
}
