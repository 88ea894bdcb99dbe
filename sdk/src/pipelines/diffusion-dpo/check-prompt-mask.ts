import { tf } from '../../tensorflow';

/** @throws When there is no mask of the prompt's tokens, which Diffusion-DPO needs. */
export function checkPromptMask(mask: tf.Tensor | null): void {
  if (!(mask instanceof tf.Tensor)) {
    throw new Error(
      'Cannot prepare model inputs as Diffusion-DPO needs promptEmbedsMask: current value is null',
    );
  }
}
