import type { DiffusionModelConfigLike } from '../config';
import { checkOptions, TEXT, type Rules } from '../core/option-rules';
import { Registry } from '../core/registry';
import { adapterKey, classDecorator } from './adapter-key';
import { ADAPTER_RULES, type AdapterRegistration } from './diffusion-model-base';
import type { LoadOptions } from './rollout-options';
import type { RolloutPipeline } from './rollout-pipeline';

/** A rollout pipeline: any class. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type PipelineClass = abstract new (...args: any[]) => unknown;

/** A rollout pipeline as it is found: every one of the sdk can be loaded, which a class of one's own need not. */
export interface RegisteredPipeline<Pipeline = RolloutPipeline> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  new (...args: any[]): Pipeline;
  /** Loads a model directory, or a configuration that names one as `path`. */
  fromPretrained?(config: string | DiffusionModelConfigLike, options?: LoadOptions): Pipeline;
}

/** Under which algorithm a rollout pipeline is registered, and where it can be imported from. */
export interface PipelineRegistration extends AdapterRegistration {
  /**
   * `module#ExportName`, by which another process imports the class: the module as `import()` takes it.
   * Leave it out for a class that lives in a notebook cell: nothing else can import that.
   */
  path?: string;
}

const RULES: Rules<PipelineRegistration> = { ...ADAPTER_RULES, path: TEXT };

const registry = new Registry<{ pipeline: PipelineClass; path: string | null }>('rollout pipeline');

/**
 * Registry of rollout pipelines: classes that make pictures and keep what training needs.
 *
 * @example
 * class MyPipeline extends QwenImagePipelineWithLogProb {}
 * VllmOmniPipelineBase.register('MyPipeline', { algorithm: 'flow_grpo' })(MyPipeline);
 */
export abstract class VllmOmniPipelineBase {
  /**
   * Makes a class decorator that registers a pipeline for (architecture, algorithm). It may also be
   * called plainly.
   *
   * @throws When the pair is taken, or `path` is not `module#ExportName`.
   */
  static register(
    architecture: string,
    { algorithm, replace = false, path, ...others }: PipelineRegistration,
  ) {
    const given = { algorithm, replace, path, ...others };
    checkOptions(`register a rollout pipeline for ${architecture}`, given, RULES);
    if (path !== undefined && !/^[^#]+#[A-Za-z_$][\w$]*$/.test(path)) {
      throw new Error(
        `Cannot register a rollout pipeline for ${adapterKey(architecture, algorithm)} as its path must be module#ExportName: current value is "${path}"`,
      );
    }
    return classDecorator<PipelineClass>((pipeline) => {
      const entry = { pipeline, path: path ?? null };
      registry.register(adapterKey(architecture, algorithm), entry, { replace });
    });
  }

  /** What is registered, each as `architecture/algorithm`. */
  static registered(): string[] {
    return registry.names();
  }

  /**
   * The pipeline registered for (architecture, algorithm), or null.
   *
   * @example
   * const Pipeline = VllmOmniPipelineBase.getClass('QwenImagePipeline', 'flow_grpo');
   * const pipeline = Pipeline?.fromPretrained?.({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
   * pipeline instanceof QwenImagePipelineWithLogProb; // true
   */
  static getClass<Pipeline = RolloutPipeline>(
    architecture: string,
    algorithm: string,
  ): RegisteredPipeline<Pipeline> | null {
    const found = registry.find(adapterKey(architecture, algorithm));
    return (found?.pipeline ?? null) as RegisteredPipeline<Pipeline> | null;
  }

  /**
   * Where the pipeline for (architecture, algorithm) can be imported from, as `module#ExportName`; null
   * when none is registered, or when it was registered without a path.
   *
   * @example
   * const path = VllmOmniPipelineBase.getPipelinePath('QwenImagePipeline', 'flow_grpo');
   * const [module, name] = (path ?? '').split('#'); // '@flowbook/sdk', 'QwenImagePipelineWithLogProb'
   * const Pipeline = (await import(module))[name];
   */
  static getPipelinePath(architecture: string, algorithm: string): string | null {
    return registry.find(adapterKey(architecture, algorithm))?.path ?? null;
  }
}
