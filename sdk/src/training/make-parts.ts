import { overlapping } from './overlapping';
import { disposePart, rollOutPart, type PromptedPart, type RolledOutPart } from './rollout-part';
import type { RolloutPlace } from './rollout-workers';
import type { TrainablePipeline } from './trainable-pipeline';

/** Where parts of a rollout are made, and what stops it. */
export interface PartsPlace {
  /** Null: here. */
  elsewhere: RolloutPlace | null;
  signal?: AbortSignal | null;
}

/**
 * Makes all parts, here one after the other or elsewhere at the same time, and none when one fails.
 *
 * @param take Gets each part once it is made, in order, beside the making of others; a promise is waited for.
 */
export async function makeParts(
  pipeline: TrainablePipeline,
  parts: readonly PromptedPart[],
  take: (part: PromptedPart, made: RolledOutPart) => void | Promise<void>,
  { elsewhere, signal }: PartsPlace,
): Promise<RolledOutPart[]> {
  const done: RolledOutPart[] = [];
  try {
    if (elsewhere === null) {
      await overlapping(parts, async (part, at, onHalf, before) => {
        done[at] = await rollOutPart(pipeline, part, signal, onHalf);
        await before;
        await take(part, done[at]);
      });
      return done;
    }
    const { workers, version, onAsked } = elsewhere;
    const made = parts.map(
      async (part, at) => (done[at] = await workers.rollOut(part, version, signal)),
    );
    onAsked?.();
    const ends = await Promise.allSettled([...made, takeInOrder(parts, made, take)]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return done;
  } catch (error) {
    done.forEach(disposePart);
    throw error;
  }
}

async function takeInOrder(
  parts: readonly PromptedPart[],
  made: readonly Promise<RolledOutPart>[],
  take: (part: PromptedPart, made: RolledOutPart) => void | Promise<void>,
): Promise<void> {
  for (const [at, part] of parts.entries()) await take(part, await made[at]);
}
