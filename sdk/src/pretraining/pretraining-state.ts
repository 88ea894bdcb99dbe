import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, writeSafetensors, type SafetensorsFile } from '../io';
import { assignAll } from '../models';
import { tf } from '../tensorflow';
import type { AdamW, WeightAverage } from '../training';

/** What a run of pre-training consists of between two steps. */
export interface PretrainingState {
  variables: ReadonlyMap<string, tf.Variable>;
  optimizer: AdamW;
  average: WeightAverage;
}

const FILE = 'state.safetensors';
const PARTS = { weight: 'weight.', average: 'average.', optimizer: 'optimizer.' } as const;

/** Writes the state after a step: one file, replaced as a whole. */
export function savePretraining(
  folder: string,
  { variables, optimizer, average }: PretrainingState,
  step: number,
  identity: string,
): void {
  const moments = optimizer.stateDict();
  const tensors = new Map<string, tf.Tensor>();
  for (const [name, variable] of variables) tensors.set(PARTS.weight + name, variable);
  for (const [name, tensor] of average.values) tensors.set(PARTS.average + name, tensor);
  for (const [name, tensor] of moments) tensors.set(PARTS.optimizer + name, tensor);
  try {
    writeSafetensors(join(folder, FILE), tensors, {
      metadata: { step: String(step), settings: identity },
    });
  } finally {
    tf.dispose([...moments.values()]);
  }
}

/**
 * Takes a saved state up again.
 *
 * @returns The step after which it was saved; 0 when there is none.
 * @throws When it was saved under other settings, or does not fit.
 */
export function resumePretraining(
  folder: string,
  { variables, optimizer, average }: PretrainingState,
  identity: string,
): number {
  const path = join(folder, FILE);
  if (!existsSync(path)) return 0;
  const file = openSafetensors(path);
  try {
    const { step, settings } = file.metadata;
    if (settings !== identity) {
      throw new Error(
        `Cannot resume pre-training from "${path}" as it was begun with other settings: remove the folder to begin anew; they were ${settings}, and are ${identity}`,
      );
    }
    withPart(file, PARTS.optimizer, (values) => optimizer.loadStateDict(values));
    withPart(file, PARTS.average, (values) => average.load(values));
    withPart(file, PARTS.weight, (values) => assignAll(variables, values));
    return Number(step);
  } finally {
    file.close();
  }
}

/** The tensors of one part, by their own names, for as long as `work` takes. */
function withPart(
  file: SafetensorsFile,
  prefix: string,
  work: (values: Map<string, tf.Tensor>) => void,
): void {
  const read = file.tensors(file.names().filter((name) => name.startsWith(prefix)));
  try {
    work(new Map([...read].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
  } finally {
    tf.dispose([...read.values()]);
  }
}
