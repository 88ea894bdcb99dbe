import { z } from 'zod';
import { algoSchemaLike, pipelineSchemaLike } from '../diffusion-model-schema';
import { profilerSection } from './engine-sections';
import { shapeWithoutEffect } from './key-notes';

const count = z.number().int().positive();
const PIPELINE = 'actor_rollout_ref.rollout.pipeline';
const ALGO = 'actor_rollout_ref.rollout.algo';

/** How held-out prompts are sampled: verl-omni's `rollout.val_kwargs`. */
const validationSchema = z.strictObject({
  n: count.default(1),
  /** Every prompt's seed. */
  seed: z.number().int().default(42),
  pipeline: pipelineSchemaLike(PIPELINE)
    .extend({ num_inference_steps: count.default(50) })
    .prefault({}),
  algo: algoSchemaLike(ALGO)
    .extend({ noise_level: z.number().nonnegative().default(0) })
    .prefault({}),
  ...shapeWithoutEffect({ temperature: 1, top_k: 0, top_p: 1 }),
});

/** How pictures are sampled for training: verl-omni's `actor_rollout_ref.rollout`. */
export const rolloutSchema = z.strictObject({
  /** Pictures for each prompt. */
  n: count.default(1),
  /** Everything random of a rollout follows from it and the step; null leaves it to the run's own seed. */
  seed: z.number().int().nullable().default(null),
  pipeline: pipelineSchemaLike().prefault({}),
  algo: algoSchemaLike().prefault({}),
  val_kwargs: validationSchema.prefault({}),
  /** Which of the policy's weights sample: `old` for algorithms that keep an old policy. */
  rollout_adapter: z.enum(['default', 'old']).default('default'),
  mode: z.literal('async', 'upstream has removed every mode but async').default('async'),
  ...shapeWithoutEffect({
    name: '???',
    max_prompt_embed_length: null,
    calculate_log_probs: false,
    nnodes: 0,
    n_gpus_per_node: '${oc.select:trainer.n_gpus_per_node,8}',
    prompt_length: '${oc.select:data.max_prompt_length,512}',
    dtype: 'bfloat16',
    rollout_attn_backend: 'FLASH_ATTN_3_HUB',
    gpu_memory_utilization: 0.5,
    enforce_eager: false,
    cudagraph_capture_sizes: null,
    free_cache_engine: true,
    tensor_model_parallel_size: 2,
    data_parallel_size: 1,
    expert_parallel_size: 1,
    pipeline_model_parallel_size: 1,
    max_num_batched_tokens: 8192,
    max_model_len: null,
    max_num_seqs: 1024,
    step_execution: false,
    enable_chunked_prefill: true,
    enable_prefix_caching: true,
    logprobs_mode: 'processed_logprobs',
    scheduling_policy: 'fcfs',
    load_format: 'dummy',
    layered_summon: false,
    log_prob_micro_batch_size_per_gpu: null,
    log_prob_use_dynamic_bsz: false,
    log_prob_max_token_len_per_gpu: 16384,
    disable_log_stats: true,
    multi_turn: { enable: false },
    engine_kwargs: { vllm_omni: {} },
    llm_calculate_log_probs: false,
    temperature: 1,
    top_k: 0,
    top_p: 1,
    repetition_penalty: 1,
    max_new_tokens: 256,
    agent: { num_workers: 8, default_agent_loop: 'diffusion_single_turn_agent' },
    checkpoint_engine: {
      backend: 'naive',
      update_weights_bucket_megabytes: 2048,
      engine_kwargs: {},
      custom_backend_module: null,
    },
    skip_tokenizer_init: true,
    enable_rollout_routing_replay: false,
    enable_sleep_mode: true,
    prometheus: { enable: false },
    quantization: null,
    mtp: '${oc.select:actor_rollout_ref.model.mtp,null}',
    external_lib: null,
    disaggregation: { enabled: false },
    profiler: profilerSection(),
  }),
});
