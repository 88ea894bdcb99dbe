import { z } from 'zod';
import { shapeWithoutEffect, type Defaults } from './key-notes';

/** How long a run is and what it leaves: verl-omni's `trainer`. */
export const trainerSchema = z.strictObject({
  /** Passes over the prompts, where `total_training_steps` is null. */
  total_epochs: z.number().int().positive().default(30),
  total_training_steps: z.number().int().positive().nullable().default(null),
  /** Steps between tests on held-out prompts; 0 and below for none. */
  test_freq: z.number().int().default(-1),
  /** Test before the first step as well. */
  val_before_train: z.boolean().default(true),
  /** Pictures of a test that are kept. */
  log_val_generations: z.number().int().nonnegative().default(0),
  /** Steps between checkpoints; 0 and below for none. */
  save_freq: z.number().int().default(-1),
  /** The run's folder, where there are checkpoints. */
  default_local_dir: z
    .string()
    .default('checkpoints/${trainer.project_name}/${trainer.experiment_name}'),
  project_name: z.string().default('verl_examples'),
  experiment_name: z.string().default('ocr'),
  /** Whether a run goes on from the last checkpoint where there is one, or from `resume_from_path`. */
  resume_mode: z.enum(['auto', 'disable', 'resume_path']).default('auto'),
  resume_from_path: z.string().nullable().default(null),
  ...shapeWithoutEffect({
    max_actor_ckpt_to_keep: null,
    logger: ['console', 'wandb'],
    rollout_data_dir: null,
    validation_data_dir: null,
    video_fps: 24,
    rollout_data_save_freq: 1,
    rollout_data_max_samples: null,
    validation_data_max_samples: null,
    nnodes: 1,
    n_gpus_per_node: 8,
    esi_redundant_time: 0,
    val_only: false,
    default_hdfs_dir: null,
    del_local_ckpt_after_load: false,
    ray_wait_register_center_timeout: 300,
    ray_master_port_range: [20000, 30000],
    device: 'cuda',
    use_v1: false,
    v1: {
      trainer_mode: 'sync',
      sync: {},
      colocate_async: { num_warmup_batches: 1 },
      separate_async: {
        num_warmup_batches: 1,
        parameter_sync_step: 4,
        sync_compatible: false,
      },
      sampler: {
        max_off_policy_threshold: 8,
        max_off_policy_strategy: 'drop',
        drop_incomplete_groups: false,
        max_incomplete_group_refill_rounds: 3,
        custom_sampler: { path: null, name: null },
        sampler_kwargs: {},
      },
    },
  }),
});

const NSYS = {
  trace: 'cuda,nvtx,cublas,ucx',
  'cuda-memory-usage': 'true',
  'cuda-graph-trace': 'graph',
};

const SKIP = { enable: false, dump_dir: '~/.verl/rollout_dump', steps: [], action: 'cache' };

/** Upstream's profilers, Ray and its queues: none of them has a part here. */
export const MACHINERY: Defaults = {
  global_profiler: {
    tool: null,
    steps: null,
    profile_continuous_steps: false,
    save_path: 'outputs/profile',
    global_tool_config: {
      nsys: {
        discrete: false,
        controller_nsight_options: NSYS,
        worker_nsight_options: {
          ...NSYS,
          'capture-range': 'cudaProfilerApi',
          'capture-range-end': null,
          kill: 'none',
        },
      },
      torch_memory: {
        trace_alloc_max_entries: 100000,
        stack_depth: 32,
        context: 'all',
        stacks: 'all',
        kw_args: {},
      },
    },
  },
  ray_kwargs: { ray_init: { num_cpus: null }, timeline_json_file: null },
  transfer_queue: {
    enable: false,
    metrics: { enabled: false, port: 0 },
    backend: {
      storage_backend: 'SimpleStorage',
      SimpleStorage: { total_storage_size: 100000, num_data_storage_units: 8 },
      MooncakeStore: {
        auto_init: false,
        metadata_server: 'localhost:50123',
        master_server_address: 'localhost:50124',
        local_hostname: 'localhost',
        protocol: 'tcp',
        global_segment_size: 4294967296,
        local_buffer_size: 1073741824,
        device_name: '',
      },
    },
  },
  skip: { rollout: SKIP, async_rollout: SKIP },
};
