import { z } from 'zod';
import { shapeWithoutEffect } from './key-notes';

const count = z.number().int().positive();

/** What is trained on: verl-omni's `data`. Its files are parquet; here prompts are given to the trainer. */
export const dataSchema = z.strictObject({
  /** Prompts for each step. */
  train_batch_size: count.default(1024),
  ...shapeWithoutEffect({
    train_files: '~/data/rlhf/gsm8k/train.parquet',
    val_files: '~/data/rlhf/gsm8k/test.parquet',
    train_max_samples: -1,
    val_max_samples: -1,
    prompt_key: 'prompt',
    tokenizer: null,
    use_shm: false,
    reward_fn_key: 'data_source',
    max_prompt_length: 512,
    max_response_length: 512,
    val_batch_size: null,
    tool_config_path: '${oc.select:actor_rollout_ref.rollout.multi_turn.tool_config_path,null}',
    return_raw_input_ids: false,
    return_raw_chat: true,
    return_full_prompt: false,
    shuffle: true,
    seed: null,
    dataloader_num_workers: 8,
    image_patch_size: 14,
    validation_shuffle: false,
    filter_overlong_prompts: false,
    filter_overlong_prompts_workers: 1,
    truncation: 'error',
    image_key: 'images',
    video_key: 'videos',
    trust_remote_code: false,
    custom_cls: { path: null, name: null, collate_fn: null },
    return_multi_modal_inputs: true,
    sampler: { class_path: null, class_name: null },
    datagen: { path: null, name: null },
    apply_chat_template_kwargs: {},
  }),
});
