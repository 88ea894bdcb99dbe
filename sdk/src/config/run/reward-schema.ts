import { z } from 'zod';
import { profilerSection } from './engine-sections';
import { shapeWithoutEffect, type Defaults } from './key-notes';

/** What is kept of a reward's ratings, in place of `true`. */
const cacheSchema = z.strictObject({
  /** Of the reward: another one asks anew. Needed with a folder. */
  version: z.union([z.string(), z.number().transform(String)]).optional(),
  /** Ratings that are kept, those asked for longest ago forgotten first. */
  most_ratings: z.int().min(1).optional(),
  /** Keeps ratings for later runs. */
  folder: z.string().min(1).optional(),
});

/** One of several rewards. Further keys are the reward function's own. */
const rewardFunctionSchema = z.looseObject({
  /** Where upstream finds the function; null for one that is registered here. */
  path: z.string().nullable().default(null),
  /** The function's name. */
  name: z.string().min(1),
  weight: z.number().default(1),
  /** Whether a failure stops the run instead of counting 0. */
  required: z.boolean().default(false),
  /** Whether it is asked once about the same picture and prompt, or how. */
  cache: z.union([z.boolean(), cacheSchema]).optional(),
});

/** A reward model served by vLLM, which has no part here. */
const REWARD_MODEL: Defaults = {
  rollout: {
    profiler: profilerSection('/reward_model'),
    name: '???',
    dtype: 'bfloat16',
    gpu_memory_utilization: 0.5,
    enforce_eager: true,
    cudagraph_capture_sizes: null,
    free_cache_engine: true,
    data_parallel_size: 1,
    expert_parallel_size: 1,
    tensor_model_parallel_size: 2,
    pipeline_model_parallel_size: 1,
    max_num_batched_tokens: 8192,
    max_model_len: null,
    max_num_seqs: 1024,
    load_format: 'auto',
    layered_summon: false,
    scheduling_policy: 'fcfs',
    multi_stage_wake_up: false,
    engine_kwargs: {},
    limit_images: null,
    enable_chunked_prefill: true,
    enable_prefix_caching: true,
    disable_log_stats: true,
    skip_tokenizer_init: false,
    ignore_eos: false,
    temperature: 1,
    top_k: -1,
    top_p: 1,
    do_sample: true,
    n: 1,
    prompt_length: 2048,
    response_length: 2048,
    quantization: null,
    quantization_config_file: null,
    mtp: null,
    disaggregation: {
      enabled: false,
      prefill_replicas: 1,
      decode_replicas: 1,
      decode_tensor_model_parallel_size: null,
      transfer_backend: 'nixl',
      bootstrap_port: null,
      ib_device: null,
    },
  },
  enable: false,
  enable_resource_pool: false,
  n_gpus_per_node: 8,
  nnodes: 0,
  model_path: null,
};

/** What rates pictures: verl-omni's `reward`. */
export const rewardSchema = z.strictObject({
  custom_reward_function: z
    .strictObject({
      /** A registered reward. */
      name: z.string().min(1).default('compute_score'),
      ...shapeWithoutEffect({ path: null }),
    })
    .prefault({}),
  /** Several rewards by name; several rewards go before one. */
  reward_functions: z.record(z.string(), rewardFunctionSchema).default({}),
  aggregation: z.literal('weighted_sum').default('weighted_sum'),
  ...shapeWithoutEffect({
    num_workers: 8,
    reward_manager: {
      source: 'importlib',
      name: 'VisualRewardManager',
      module: { path: 'pkg://verl_omni.reward_loop.reward_manager' },
    },
    reward_model: REWARD_MODEL,
    sandbox_fusion: { url: null, max_concurrent: 64, memory_limit_mb: 1024 },
  }),
});

/** What a policy is distilled from: verl-omni's `distillation`. */
export const distillationSchema = z.strictObject({
  enabled: z.boolean().default(false),
  teacher_models: z
    .strictObject({
      teacher_model: z
        .strictObject({ model_path: z.string().min(1).nullable().default(null) })
        .prefault({}),
    })
    .prefault({}),
});
