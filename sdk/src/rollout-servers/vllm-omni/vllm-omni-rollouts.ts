import type { RolloutServerOptions } from '../server-options';
import { ServerRollouts, type ServedPipeline } from '../server-rollouts';
import { vllmOmniProtocol } from './vllm-omni-protocol';

/**
 * Rollouts on vLLM-Omni's servers, in the place of workers, for objectives that learn from clean latents alone (DiffusionNFT and
 * online Diffusion-DPO): `POST /v1/images/generations` makes pictures, each request naming the adapter of the step in a folder
 * that the servers read.
 *
 * Its answers over HTTP hold pictures and neither latents nor log-probabilities (its `/rollout/generate` hands out shared memory of
 * the server's machine), so that FlowGRPO cannot learn from them and is refused. Clean latents are what the pipeline's autoencoder
 * makes of the pictures, eight bits a channel.
 *
 * Source: vLLM-Omni (vllm-project/vllm-omni): protocol/images.py at commit 00a3619b, utils.py at 24965c86. It was held against
 * servers that speak this form, not against a GPU server.
 *
 * @example
 * const nft = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'diffusion_nft', height: 64, width: 64 });
 * const servers = new VllmOmniRollouts(nft, { url: 'http://127.0.0.1:8000', weightsFolder: 'runs/weights' });
 * const trainer = new DiffusionNFTTrainer(nft, {
 *   prompts: ['a red circle'],
 *   reward: 'redness',
 *   lora: { rank: 4 },
 *   rolloutWorkers: servers,
 * });
 * trainer.dispose();
 * await servers.close();
 */
export class VllmOmniRollouts extends ServerRollouts {
  /**
   * @param pipeline The trainer's own; the servers must serve the same model.
   * @throws When an option breaks its rule.
   */
  constructor(pipeline: ServedPipeline, options: RolloutServerOptions) {
    super(pipeline, vllmOmniProtocol, options);
  }
}
