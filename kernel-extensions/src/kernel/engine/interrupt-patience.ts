import { isTraining } from '../../run-folder/run-folders';

/** Names the folder of a run whose trainings an interrupt waits for: their step and their checkpoint. `flowbook run` sets it. */
export const PATIENCE_VARIABLE = 'FLOWBOOK_INTERRUPT_AFTER_TRAINING';

/** Whether an interrupt is to wait, as this process trains in the folder that it was told of. */
export function waitsForTraining(): boolean {
  const { [PATIENCE_VARIABLE]: directory } = process.env;
  return directory !== undefined && isTraining(directory);
}
