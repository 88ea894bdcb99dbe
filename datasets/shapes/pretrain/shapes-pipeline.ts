import type {
  QwenImagePipelineWithLogProb,
  StableDiffusion3PipelineWithLogProb,
} from '@flowbook/sdk';

/** A pipeline of one of the families that are pre-trained. */
export type ShapesPipeline = QwenImagePipelineWithLogProb | StableDiffusion3PipelineWithLogProb;
