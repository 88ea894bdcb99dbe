import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../io/safetensors';
import { AVERAGE, loadCheckpoint, OPTIMIZER, policyFile } from './checkpoint-files';
import type { ChosenCheckpoint } from './choose-checkpoint';
import type { RecordedTrainer } from './recorded-trainer';
import { describeBasis, differencesFrom } from './run-basis';

/** What a reference is kept for. */
const REFERENCE_OPTIONS = ['klLossCoef', 'refKlCoef'] as const;

/**
 * Gives a trainer the state of a checkpoint, also in the middle of a step. Where its settings, the model or versions are others than
 * the checkpoint says, stderr names each.
 *
 * @throws When the checkpoint is of another run or other weights, or lacks what the trainer keeps: nothing has changed then.
 */
export function resumeTrainer(trainer: RecordedTrainer, { place, info }: ChosenCheckpoint): void {
  requireSame(trainer, { place, info });
  requireParts(trainer, place);
  loadCheckpoint(place, trainer.parts);
  for (const difference of differencesFrom(info, describeBasis(trainer))) {
    process.stderr.write(`Goes on from "${place}" with a difference: ${difference}\n`);
  }
  trainer.resumeAt(info);
}

function requireSame(
  trainer: RecordedTrainer,
  { place, info }: Pick<ChosenCheckpoint, 'place' | 'info'>,
): void {
  const known = { seed: trainer.settings.seed, trainer: trainer.constructor.name };
  for (const key of ['seed', 'trainer'] as const) {
    if (info[key] === known[key]) continue;
    throw new Error(
      `Cannot resume from "${place}" as its ${key} must be this run's, ${known[key]}: current value is ${info[key]}`,
    );
  }
  const [before, now] = [info.promptSpreads, trainer.position.promptSpreads];
  if (before === undefined || now === undefined || before.length === now.length) return;
  throw new Error(
    `Cannot resume from "${place}" with promptPriority as there must be as many prompts as before, ${before.length}: current number is ${now.length}`,
  );
}

/** Goes by names alone: a checkpoint of a large model is read only once it is sure to fit. */
function requireParts({ settings, parts }: RecordedTrainer, place: string): void {
  const { average, policies, model } = parts;
  if (average !== null && !existsSync(join(place, AVERAGE))) {
    throw new Error(
      `Cannot resume from "${place}" as ema must be null, as it was before, so that there is no mean of the weights: current value is ${average.decay}`,
    );
  }
  for (const [name, policy] of Object.entries(policies)) {
    if (policy.values().size === 0 || existsSync(join(place, policyFile(name)))) continue;
    const option = REFERENCE_OPTIONS.find((one) => (settings[one] ?? 0) !== 0);
    const why =
      option === undefined
        ? `there must be weights of the policy "${name}": it has none`
        : `${option} must be 0, as it was before, so that there is no reference: current value is ${settings[option]}`;
    throw new Error(`Cannot resume from "${place}" as ${why}`);
  }
  const trained = model.trainableVariables();
  const file = openSafetensors(join(place, OPTIMIZER));
  try {
    const names = file.names().flatMap((name) => /^step\.(.*)$/s.exec(name)?.[1] ?? []);
    const other = names.find((name) => !trained.has(name));
    if (other === undefined) return;
    throw new Error(
      `Cannot resume from "${place}" as what it trained must be trained again: "${other}" is not`,
    );
  } finally {
    file.close();
  }
}
