import type { PixelImage } from '../core/pixel-image';
import { getReward, type PromptRecord } from '../rewards';
import type { Frame, FrameHeader } from './frame';
import { decodePayload, encodePayload } from './tensor-payload';

/** What a worker is asked to rate: pictures as they are, and all else as JSON. */
export interface RatingQuestion {
  /** A registered reward's name. */
  reward: string;
  /** Modules that register it: paths or packages. */
  modules: readonly string[];
  images: readonly PixelImage[];
  prompts: readonly PromptRecord[];
}

/** A question as a frame. */
export function encodeQuestion({ images, ...about }: RatingQuestion): Frame {
  const pictures = images.map(
    ({ width, height, data }, at) =>
      [
        `images.${at}`,
        { dtype: 'U8' as const, shape: [height, width, 3], bytes: () => data },
      ] as const,
  );
  return { header: { op: 'rate', ...about }, payload: encodePayload([], pictures) };
}

/**
 * What a worker answers to a question: the reward's values, null for those that are not finite, and the memory it holds now.
 *
 * @throws What the reward throws, or when it is not registered.
 */
export async function answerQuestion({ header, payload }: Frame): Promise<FrameHeader> {
  const { reward, modules, prompts } = header as unknown as Omit<RatingQuestion, 'images'>;
  for (const name of modules) await import(name);
  const { bytes } = decodePayload(payload);
  const images = prompts.map((_, at): PixelImage => {
    const { shape, data } = bytes.get(`images.${at}`) as { shape: number[]; data: Uint8Array };
    return { height: shape[0], width: shape[1], channels: 3, data };
  });
  const began = performance.now();
  const values = await getReward(reward)(images, [...prompts], { signal: null });
  return {
    values: [...values].map((value) => (Number.isFinite(value) ? value : null)),
    busySeconds: (performance.now() - began) / 1000,
    residentBytes: process.memoryUsage.rss(),
  };
}

/** The values of an answer, NaN for those that are not finite. @throws When the worker could not rate, or rated others. */
export function readAnswer({ header }: Frame, count: number): number[] {
  const { error, values } = header as { error?: string; values?: (number | null)[] };
  if (error !== undefined) throw new Error(error);
  if (!Array.isArray(values) || values.length !== count) {
    throw new Error(
      `Cannot take a worker's ratings as there must be one for each of ${count} pictures: current value is ${values?.length ?? 'none'}`,
    );
  }
  return values.map((value) => value ?? NaN);
}
