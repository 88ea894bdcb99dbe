import { DiffusionModelBase, type DiffusionModelClass } from './diffusion-model-base';
import { VllmOmniPipelineBase, type PipelineClass } from './vllm-omni-pipeline-base';

/**
 * Algorithms that learn from the log-probabilities of reverse steps. They differ in their losses, and
 * DanceGRPO in its SDE; adapters and rollout pipelines are FlowGRPO's.
 */
const REVERSE_PROCESS_ALGORITHMS = ['flow_grpo', 'grpo_guard', 'flow_dppo', 'dance_grpo'] as const;

/** Registers an architecture's training adapter for all of these algorithms. */
export function registerReverseProcessAdapter(
  architecture: string,
  adapter: DiffusionModelClass,
): void {
  for (const algorithm of REVERSE_PROCESS_ALGORITHMS) {
    DiffusionModelBase.register(architecture, { algorithm })(adapter);
  }
}

/** Registers an architecture's rollout pipeline, which the sdk exports by its class name, for all of them. */
export function registerReverseProcessPipeline(
  architecture: string,
  pipeline: PipelineClass & { readonly name: string },
): void {
  const path = `@flowbook/sdk#${pipeline.name}`;
  for (const algorithm of REVERSE_PROCESS_ALGORITHMS) {
    VllmOmniPipelineBase.register(architecture, { algorithm, path })(pipeline);
  }
}
