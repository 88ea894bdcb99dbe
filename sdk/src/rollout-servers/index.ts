export { ServerRollouts, type ServedPipeline } from './server-rollouts';
export type { RolloutServerOptions } from './server-options';
export { SGLangRollouts } from './sglang/sglang-rollouts';
export { VllmOmniRollouts } from './vllm-omni/vllm-omni-rollouts';
