import { showValue } from '../core/show-value';
import { z } from 'zod';
import { firstIssue } from '../core/first-issue';
import { nearestName } from '../core/nearest-name';
import { withoutUndefined } from '../core/without-undefined';
import { openModelDirectory } from '../io/model-directory';
import { defaultSdeType } from './default-sde-type';
import {
  algoSchema,
  modelSchema,
  pipelineSchema,
  type AlgoConfig,
  type PipelineConfig,
} from './diffusion-model-schema';
import { resolveRunConfig, RunConfig } from './run/run-config';

type PipelineInput = z.input<typeof pipelineSchema>;
type AlgoInput = z.input<typeof algoSchema>;

/**
 * What `DiffusionModelConfig.from` takes. Keys of `pipeline` may also stand beside it, so that
 * `{ path, height: 64 }` is `{ path, pipeline: { height: 64 } }`.
 */
export type DiffusionModelConfigInput = z.input<typeof modelSchema> & PipelineInput;

/** The same settings as a verl-omni run spells them. Keys of `model` that are not set follow those of `rollout`. */
export interface RunConfigInput {
  actor_rollout_ref: {
    model?: z.input<typeof modelSchema>;
    rollout?: { pipeline?: PipelineInput; algo?: AlgoInput };
  };
}

/** Everything that is accepted where a configuration is asked for. */
export type DiffusionModelConfigLike =
  DiffusionModelConfig | DiffusionModelConfigInput | RunConfig | RunConfigInput;

/** What a run samples pictures for: its settings differ in size, steps and noise. */
export type RunPurpose = 'training' | 'rollout' | 'validation';

const PIPELINE_KEYS = Object.keys(pipelineSchema.shape);

function isRunConfig(input: object): input is RunConfig | RunConfigInput {
  return 'actor_rollout_ref' in input;
}

/** Moves keys of `pipeline` that stand beside it to where they belong, and takes the algorithm's own stochastic step. */
function lift(input: DiffusionModelConfigInput): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const pipeline: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (PIPELINE_KEYS.includes(key)) pipeline[key] = value;
    else fields[key] = value;
  }
  const sde_type = input.algo?.sde_type ?? defaultSdeType(input.algorithm ?? 'flow_grpo');
  return {
    ...fields,
    pipeline: { ...pipeline, ...(input.pipeline ?? {}) },
    algo: { ...(input.algo ?? {}), sde_type },
  };
}

function explain(error: z.ZodError, input: unknown): Error {
  const [issue] = error.issues;
  const { at, rule, value } = firstIssue(error, input);
  if (issue.code === 'unrecognized_keys') {
    const schema = { pipeline: pipelineSchema, algo: algoSchema }[at] ?? modelSchema;
    const known = Object.keys(schema.shape);
    return new Error(
      `Cannot read a model configuration as ${at ? `${at} has` : 'it has'} an unknown key "${issue.keys[0]}": the nearest is "${nearestName(issue.keys[0], known)}", known are ${known.join(', ')}`,
    );
  }
  return new Error(
    `Cannot read a model configuration as ${at} breaks a rule (${rule}): current value is ${showValue(value)}`,
  );
}

/**
 * A diffusion model and how it is used: where it lies, which adapters serve it, how pictures are made
 * and how noise is put in. Keys and defaults are verl-omni's.
 *
 * @example
 * const config = DiffusionModelConfig.from({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
 * config.architecture; // 'QwenImagePipeline'
 * config.pipeline.num_inference_steps; // 10
 */
export class DiffusionModelConfig {
  readonly path: string | null;
  /** Adapters are looked up by architecture and algorithm. */
  readonly architecture: string;
  readonly algorithm: string;
  readonly lora_rank: number;
  readonly lora_alpha: number;
  readonly target_modules: string | string[];
  readonly pipeline: PipelineConfig;
  readonly algo: AlgoConfig;

  private constructor(fields: z.output<typeof modelSchema>, architecture: string) {
    this.path = fields.path;
    this.architecture = architecture;
    this.algorithm = fields.algorithm;
    this.lora_rank = fields.lora_rank;
    this.lora_alpha = fields.lora_alpha;
    this.target_modules = fields.target_modules;
    this.pipeline = fields.pipeline;
    this.algo = fields.algo;
  }

  /**
   * Checks a configuration and fills in the defaults. A `DiffusionModelConfig` comes back as it is.
   *
   * @throws On an unknown key, a value that breaks its rule, or when neither architecture nor path is given.
   */
  static from(config: DiffusionModelConfigLike): DiffusionModelConfig {
    if (config instanceof DiffusionModelConfig) return config;
    if (typeof config !== 'object' || config === null) {
      throw new Error(
        `Cannot read a model configuration as it must be an object: current value is ${showValue(config)}`,
      );
    }
    if (isRunConfig(config)) return DiffusionModelConfig.fromRun(config);
    const input = lift(config);
    const result = modelSchema.safeParse(input);
    if (!result.success) throw explain(result.error, input);
    return DiffusionModelConfig.#checked(result.data);
  }

  /**
   * The model of a run.
   *
   * @param purpose Whose settings of pictures and noise count: the model's (training), the rollout's, or those of
   *   `val_kwargs`.
   * @throws As `from` and `loadRunConfig`.
   */
  static fromRun(
    config: RunConfig | RunConfigInput,
    purpose: RunPurpose = 'training',
  ): DiffusionModelConfig {
    const run = config instanceof RunConfig ? config : resolveRunConfig(config);
    const { model, rollout } = run.actor_rollout_ref;
    const section = { training: model, rollout, validation: rollout.val_kwargs }[purpose];
    return DiffusionModelConfig.#checked({
      ...model,
      pipeline: section.pipeline,
      algo: section.algo,
    });
  }

  static #checked(fields: z.output<typeof modelSchema>): DiffusionModelConfig {
    if (fields.architecture === null && fields.path === null) {
      throw new Error(
        'Cannot read a model configuration as it must name a model directory (path) or an architecture: current value is null for both',
      );
    }
    return new DiffusionModelConfig(
      fields,
      fields.architecture ?? openModelDirectory(fields.path as string).className,
    );
  }

  /** Scale of true classifier-free guidance: `pipeline.true_cfg_scale`. */
  get true_cfg_scale(): number {
    return this.pipeline.true_cfg_scale;
  }

  /** The same configuration with other settings for making pictures or noise. What is undefined stays as it is. */
  with({
    pipeline = {},
    algo = {},
  }: {
    pipeline?: PipelineInput;
    algo?: AlgoInput;
  }): DiffusionModelConfig {
    return DiffusionModelConfig.from({
      ...this,
      pipeline: { ...this.pipeline, ...withoutUndefined(pipeline) },
      algo: { ...this.algo, ...withoutUndefined(algo) },
    });
  }
}
