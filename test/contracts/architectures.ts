import {
  DiffusionModelConfig,
  ForwardProcessModel,
  QwenImageTransformer2DModel,
  SD3Transformer2DModel,
  tf,
  VllmOmniPipelineBase,
  type DiffusionModelClass,
  type MicroBatch,
  type ModelMixin,
} from '@flowbook/sdk';
import { normal } from '../sdk/models/check-gradient';

/** What a contract needs to know of an architecture. */
interface Architecture {
  /** A model directory; null for one that is made without. */
  path: string | null;
  /** Height and width of a picture, in pixels. */
  side: number;
  /** Of a sample, without the batch. */
  latents: number[];
  /** Length and width of embeddings. */
  embeds: [number, number];
  pooled?: number;
  model(): ModelMixin & { dispose(): void };
}

const qwen: Architecture = {
  path: 'datasets/tiny-qwen-image',
  side: 64,
  latents: [16, 16],
  embeds: [5, 64],
  model: () => QwenImageTransformer2DModel.fromPretrained('datasets/tiny-qwen-image'),
};

/** By the name that adapters and pipelines are registered under. */
const architectures: Record<string, Architecture> = {
  QwenImagePipeline: qwen,
  // The docstrings' example of a registration.
  MyPipeline: qwen,
  StableDiffusion3Pipeline: {
    path: 'test/golden/models/tiny-sd3',
    side: 64,
    latents: [4, 8, 8],
    embeds: [6, 48],
    pooled: 40,
    model: () => SD3Transformer2DModel.fromPretrained('test/golden/models/tiny-sd3'),
  },
  // The example of docs/extending.md.
  PixelPipeline: {
    path: null,
    side: 16,
    latents: [256, 3],
    embeds: [1, 16],
    model() {
      const Pipeline = VllmOmniPipelineBase.getClass('PixelPipeline', 'flow_grpo');
      if (Pipeline === null)
        throw new Error('Cannot make a model as docs/extending.md must run first');
      return new Pipeline({ architecture: 'PixelPipeline' }).transformer;
    },
  },
};

/** The architecture of a registered `architecture/algorithm`. Throws where the table above lacks it. */
export function architectureOf(registered: string): Architecture {
  const [name] = registered.split('/');
  if (!Object.hasOwn(architectures, name)) {
    throw new Error(`Cannot check ${registered} as test/contracts/architectures.ts lacks ${name}`);
  }
  return architectures[name];
}

/** A configuration of four denoising steps. */
export function configOf(registered: string): DiffusionModelConfig {
  const [architecture, algorithm] = registered.split('/');
  const { path, side } = architectureOf(registered);
  return DiffusionModelConfig.from({
    path,
    architecture,
    algorithm,
    height: side,
    width: side,
    num_inference_steps: 4,
  });
}

export const B = 2;

/** Whether an adapter learns from noised data, and so takes latents and times of one step. */
export function isForwardProcess(adapter: DiffusionModelClass): boolean {
  return adapter.prototype instanceof ForwardProcessModel;
}

/** A batch as a rollout leaves it, or noised data. */
export function batchOf(registered: string, adapter: DiffusionModelClass, times: Float32Array) {
  const { latents, embeds, pooled, side } = architectureOf(registered);
  const oneStep = isForwardProcess(adapter);
  const batch: MicroBatch & { all_latents: tf.Tensor; all_timesteps: tf.Tensor } = {
    all_latents: normal('latents', oneStep ? [B, ...latents] : [B, 3, ...latents]),
    all_timesteps: oneStep
      ? tf.tensor1d([times[1], times[1]])
      : tf.tensor2d([times.slice(1, 3), times.slice(1, 3)].map((row) => [...row])),
    height: side,
    width: side,
    ...(pooled && {
      pooled_prompt_embeds: normal('pooled', [B, pooled]),
      negative_pooled_prompt_embeds: normal('negative pooled', [B, pooled]),
    }),
  };
  const prompts = {
    embeds: normal('embeds', [B, ...embeds]),
    mask: tf.ones([B, embeds[0]], 'int32'),
  };
  return { batch, prompts, sample: [B, ...latents] };
}
