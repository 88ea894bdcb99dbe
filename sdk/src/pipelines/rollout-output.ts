import type { PixelImage } from '../core/pixel-image';
import { tf } from '../tensorflow';
import { toPixelImages } from './pixel-images';
import type { OutputType } from './rollout-options';
import type { RolloutTensors } from './rollout-request';

/** What a rollout returns: verl-omni's `DiffusionOutput`. */
export interface DiffusionOutput {
  /** Pictures, or a tensor for 'latent' and 'pt'; null for a request without prompts. */
  output: PixelImage[] | tf.Tensor | null;
  /** The tensors that training needs; empty for a request without prompts. The caller owns them. */
  customOutput: RolloutTensors;
}

/** What a request without prompts gives: nothing. Serving engines send one to warm up. */
export function emptyOutput(): DiffusionOutput {
  return { output: null, customOutput: {} as RolloutTensors };
}

/**
 * What a rollout puts out of its final latents.
 *
 * @param decode Pictures (B, 3, H, W) from -1 to 1; called unless latents are asked for.
 */
export async function finish(
  latents: tf.Tensor,
  outputType: OutputType,
  decode: () => tf.Tensor | Promise<tf.Tensor>,
): Promise<PixelImage[] | tf.Tensor> {
  if (outputType === 'latent') return latents;
  const pictures = await decode();
  if (outputType === 'pt') return pictures;
  try {
    return await toPixelImages(pictures);
  } finally {
    pictures.dispose();
  }
}

/** All tensors of an output. */
export function tensorsOf({ output, customOutput }: DiffusionOutput): tf.Tensor[] {
  return [output, ...Object.values(customOutput)].filter((item) => item instanceof tf.Tensor);
}

/**
 * Cuts the output of a batch into one for each request; the batch's own tensors are disposed.
 *
 * @param rows Rows of each request, in order.
 */
export function splitOutput(batch: DiffusionOutput, rows: readonly number[]): DiffusionOutput[] {
  if (batch.output === null) return rows.map(emptyOutput);
  if (rows.length === 1) return [batch];
  let end = 0;
  const parts = rows.map((size): DiffusionOutput => {
    const start = end;
    end += size;
    const cut = (item: tf.Tensor) => tf.slice(item, start, size);
    const { output, customOutput } = batch;
    return {
      output:
        output instanceof tf.Tensor ? cut(output) : (output as PixelImage[]).slice(start, end),
      customOutput: Object.fromEntries(
        Object.entries(customOutput).map(([name, item]) => [
          name,
          item instanceof tf.Tensor ? cut(item) : item,
        ]),
      ) as RolloutTensors,
    };
  });
  tf.dispose(tensorsOf(batch));
  return parts;
}
