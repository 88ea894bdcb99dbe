import type { DiffusionModelConfigInput } from '@flowbook/sdk';
import type { AutoencoderSettings } from './autoencoder';
import type { TransformerSettings } from './flow-matching';

/** A model that is pre-trained. */
export interface PretrainedModel {
  /** Folder of the repository that holds what is not trained: tokenizers, frozen text encoders, the scheduler. */
  source: string;
  /** What the layers of its text encoders add to their input is multiplied by this. */
  encoderScale: number;
  /** What prompts are padded to for CLIP's encoders, in tokens; null: as the source has it. */
  clipTokens: number | null;
  autoencoder: AutoencoderSettings;
  transformer: TransformerSettings;
  /** How the pipeline is loaded. */
  pipeline: Omit<DiffusionModelConfigInput, 'path'>;
}
