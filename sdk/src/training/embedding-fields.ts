import type { RolloutTensors } from '../pipelines';
import type { PartEmbeddings } from './rollout-part';

/** Names of a part's embeddings, and of the rollout's tensors that hold the same again. */
export const EMBEDDING_FIELDS = {
  promptEmbeds: 'prompt_embeds',
  promptEmbedsMask: 'prompt_embeds_mask',
  pooledPromptEmbeds: 'pooled_prompt_embeds',
  negativePromptEmbeds: 'negative_prompt_embeds',
  negativePromptEmbedsMask: 'negative_prompt_embeds_mask',
  negativePooledPromptEmbeds: 'negative_pooled_prompt_embeds',
} as const satisfies Record<keyof PartEmbeddings, keyof RolloutTensors>;
