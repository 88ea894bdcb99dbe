import type { Defaults } from './key-notes';

/** Which of upstream's engines a run is written for; the choice decides which keys it may name. */
export const MODEL_ENGINES = ['dp_diffusion', 'veomni_diffusion'] as const;
export type ModelEngine = (typeof MODEL_ENGINES)[number];

const FSDP: Defaults = {
  wrap_policy: { min_num_params: 0 },
  param_offload: false,
  optimizer_offload: false,
  offload_policy: false,
  reshard_after_forward: true,
  fsdp_size: -1,
  forward_prefetch: false,
  model_dtype: 'fp32',
  use_orig_params: false,
  seed: 42,
  full_determinism: false,
  ulysses_sequence_parallel_size: 1,
  strategy: 'fsdp',
  dtype: 'bfloat16',
};

const VEOMNI_IMPLEMENTATIONS = [
  'attn',
  'moe',
  'cross_entropy_loss',
  'rms_norm',
  'swiglu_mlp',
  'rotary_pos_emb',
  'load_balancing_loss',
  'rms_norm_gated',
  'causal_conv1d',
  'chunk_gated_delta_rule',
];

const VEOMNI: Defaults = {
  param_offload: false,
  optimizer_offload: false,
  fsdp_size: -1,
  ulysses_parallel_size: 1,
  expert_parallel_size: 1,
  init_device: 'meta',
  reshard_after_forward: true,
  forward_prefetch: true,
  model_dtype: 'bfloat16',
  mixed_precision: true,
  mixed_precision_param_dtype: 'bfloat16',
  mixed_precision_reduce_dtype: 'float32',
  mixed_precision_output_dtype: null,
  mixed_precision_cast_forward_inputs: true,
  enable_reentrant: false,
  enable_activation_offload: false,
  activation_gpu_limit: 0,
  strategy: 'veomni',
  ...Object.fromEntries(VEOMNI_IMPLEMENTATIONS.map((name) => [`${name}_implementation`, 'eager'])),
};

/** The engine's own section of the actor (`forwardOnly` false) or of the reference model. */
export function engineSection(engine: ModelEngine, forwardOnly: boolean): Defaults {
  return engine === 'dp_diffusion'
    ? { fsdp_config: { ...FSDP, forward_only: forwardOnly } }
    : { veomni_config: { ...VEOMNI, forward_only: forwardOnly } };
}

/** What the engines' optimizers have besides the keys that count here. */
export const OPTIMIZER_WITHOUT_EFFECT: Record<ModelEngine, Defaults> = {
  dp_diffusion: {
    optimizer: 'AdamW',
    optimizer_impl: 'torch.optim',
    total_training_steps: -1,
    zero_indexed_step: true,
    warmup_style: null,
    override_optimizer_config: null,
  },
  veomni_diffusion: {
    optimizer: 'adamw',
    lr_min: 0,
    lr_start: 0,
    total_training_steps: -1,
    lr_decay_ratio: 1,
    eps: 1e-8,
    fused: false,
  },
};

/** A profiler, which follows the global one. */
export function profilerSection(suffix = ''): Defaults {
  const tool = 'global_profiler.global_tool_config';
  return {
    tool: 'torch',
    enable: false,
    all_ranks: false,
    ranks: [],
    save_path: `\${oc.select:global_profiler.save_path,outputs/profile}${suffix}`,
    tool_config: {
      nsys: { discrete: `\${oc.select:${tool}.nsys.discrete,false}`, name: 'nsight' },
      torch: { contents: [], discrete: false, name: 'torch' },
      torch_memory: {
        trace_alloc_max_entries: `\${oc.select:${tool}.torch_memory.trace_alloc_max_entries,100000}`,
        stack_depth: `\${oc.select:${tool}.torch_memory.stack_depth,32}`,
        name: 'torch_memory',
      },
    },
  };
}
