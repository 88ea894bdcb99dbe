import type { TwoStreamTransformer } from './transformer-cost';

/** A figure and where it is from. */
export interface Figure {
  value: number;
  source: string;
}

/** A GPU by its published figures. */
export interface Gpu {
  name: string;
  /** bfloat16 without sparsity, in operations a second. */
  peakFlops: Figure;
  dollarsPerHour: Figure;
}

/** A model as it is trained. */
export interface Workload {
  name: string;
  model: TwoStreamTransformer;
  source: string;
  gpu: Gpu;
  /** Side of a picture, in pixels. */
  pixels: number;
}

const PRICES =
  'on-demand list prices of early 2026, pricegpu.pages.dev, H100 vs A100: 2.49-3.99 and 1.49-2.49';

const H100: Gpu = {
  name: 'H100 SXM',
  peakFlops: { value: 989.4e12, source: 'NVIDIA H100 data sheet, bfloat16 dense' },
  dollarsPerHour: { value: 3.24, source: PRICES },
};

const A100: Gpu = {
  name: 'A100 SXM 80 GB',
  peakFlops: { value: 312e12, source: 'NVIDIA A100 data sheet, bfloat16 dense' },
  dollarsPerHour: { value: 1.99, source: PRICES },
};

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  'qwen-image': {
    name: 'Qwen-Image (20 B), 512 px, H100',
    model: { layers: 60, width: 3072, imageTokens: 1024, textTokens: 256 },
    source: 'transformer/config.json of Qwen/Qwen-Image: 60 layers, 24 heads of 128; 16 px a token',
    gpu: H100,
    pixels: 512,
  },
  'mid-size': {
    name: 'Stable Diffusion 3.5 medium (2 B), 384 px, A100',
    model: { layers: 24, width: 1536, imageTokens: 576, textTokens: 333 },
    source:
      'transformer/config.json of stable-diffusion-3.5-medium: 24 layers, 24 heads of 64; 16 px a token; 77 + 256 of text',
    gpu: A100,
    pixels: 384,
  },
};

/** How a run is set up: verl-omni's FlowGRPO recipe for Qwen-Image with adapters. */
export const RECIPE = {
  prompts: 32,
  groupSize: 16,
  inferenceSteps: 10,
  windowSteps: 2,
  /** Guided: with the prompt and without. */
  forwardsPerStep: 2,
  rank: 64,
  source:
    'verl-omni, examples: Qwen-Image OCR with LoRA (32 x 16 pictures, 10 steps, window 2, CFG 4, rank 64)',
};

/** Forward passes that forward and backward of one window step cost: activations' gradients, and the forward once more. */
export const GRADIENT_FORWARDS: Figure = {
  value: 3,
  source:
    'adapters need no gradients of the other weights; 2 where all activations fit, 3 with recomputation',
};

/** Pictures a GPU second that verl-omni reports for that recipe, all of a step counted. */
export const REPORTED_RATE: Figure = {
  value: 0.305,
  source:
    'verl-omni, docs/algo/performance.md: FlowGRPO with LoRA on 4 H800 (989 TFLOP/s as the H100)',
};

/** What lies between machines. */
export const NETWORK: { bytesPerSecond: Figure; callSeconds: Figure } = {
  bytesPerSecond: { value: 12.5e9, source: '100 Gbit Ethernet' },
  callSeconds: {
    value: 0.046,
    source: 'measured: 21.7 answers of 5 MB a second through one trainer process and Ray',
  },
};

/** How often one GPU's worker is lost, and how long until there is another one. */
export const FAILURES: { failureSeconds: Figure; restartSeconds: Figure; straggling: Figure } = {
  failureSeconds: {
    value: (54 * 86_400 * 16_384) / 419,
    source: 'Llama 3 report: 419 interruptions in 54 days on 16,384 H100, 5.8 GPU years each',
  },
  restartSeconds: { value: 120, source: 'assumed: 41 GB read at 1 GB/s, and compiled' },
  straggling: { value: 0.1, source: 'assumed: one part in six is 10% slower than usual' },
};
