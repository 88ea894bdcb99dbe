import { tf } from '../../tensorflow';

/** A prompt's embeddings as Stable Diffusion 3's transformer takes them. The owner disposes both tensors. */
export interface SD3PromptEmbeddings {
  /** (B, L_clip + L_t5, D): CLIP's tokens, then T5's. */
  prompt_embeds: tf.Tensor3D;
  /** (B, P): CLIP's two pooled embeddings side by side. */
  pooled_prompt_embeds: tf.Tensor2D;
}

/** What one CLIP model says of the prompts. */
export interface CLIPPromptStates {
  /** (B, L, C), the last layer but one. */
  states: tf.Tensor3D;
  /** (B, P) */
  pooled: tf.Tensor2D;
}

/**
 * Puts the three text encoders' results together: CLIP's states side by side, widened with zeros to T5's width, and then
 * T5's tokens behind CLIP's.
 *
 * Rule: diffusers 0.42.1 `StableDiffusion3Pipeline.encode_prompt`.
 *
 * @param t5 (B, L, D) T5's last states.
 * @throws When CLIP's states are wider than T5's.
 */
export function assemblePromptEmbeddings(
  first: CLIPPromptStates,
  second: CLIPPromptStates,
  t5: tf.Tensor3D,
): SD3PromptEmbeddings {
  const missing = t5.shape[2] - first.states.shape[2] - second.states.shape[2];
  if (missing < 0) {
    throw new Error(
      `Cannot put prompt embeddings together as CLIP's must be at most as wide as T5's ${t5.shape[2]}: current value is ${t5.shape[2] - missing}`,
    );
  }
  const [prompt_embeds, pooled_prompt_embeds] = tf.tidy(() => {
    const clip = tf.concat<tf.Tensor3D>([first.states, second.states], 2);
    const widened = tf.pad(clip, [
      [0, 0],
      [0, 0],
      [0, missing],
    ]);
    return [
      tf.concat<tf.Tensor3D>([widened, t5], 1),
      tf.concat<tf.Tensor2D>([first.pooled, second.pooled], 1),
    ] as const;
  });
  return { prompt_embeds, pooled_prompt_embeds };
}
