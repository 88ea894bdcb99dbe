import { tokenGrid } from '../../pipelines/token-grid';
import type { RolloutServerOptions } from '../server-options';
import { ServerRollouts, type ServedPipeline } from '../server-rollouts';
import { sglangProtocol } from './sglang-protocol';

/** What this module was read from. */
const ARCHITECTURE = 'QwenImagePipeline';

/**
 * Rollouts on SGLang's diffusion servers, in the place of workers: `POST /rollout/generate` makes pictures with their latents and
 * log-probabilities, `/v1/set_lora` and `/update_weights_from_disk` take the weights of each step from a folder that the servers
 * read.
 *
 * A server rounds otherwise than the trainer, so that FlowGRPO computes old log-probabilities anew and reports the gap
 * (`rollout_corr/logprob_abs_diff_mean`); it stops where the gap is more than rounding explains. Pictures of a group start from
 * noise of their own: `sameInitialNoise: false`.
 *
 * Source: SGLang's `multimodal_gen` (sgl-project/sglang): rollout_api.py at commit 078e5e2a, io_struct.py at 00e1106f,
 * weights_api.py and common_api.py at 0730031c. It was held against servers that speak this form, not against a GPU server.
 *
 * @example
 * const servers = new SGLangRollouts(pipeline, { url: 'http://127.0.0.1:30000', weightsFolder: 'runs/weights' });
 * const trainer = new FlowGRPOTrainer(pipeline, {
 *   prompts: ['a red circle'],
 *   reward: 'redness',
 *   rolloutWorkers: servers,
 *   sameInitialNoise: false,
 * });
 * trainer.dispose();
 * await servers.close();
 */
export class SGLangRollouts extends ServerRollouts {
  /**
   * @param pipeline The trainer's own; the servers must serve the same model.
   * @throws When an option breaks its rule, or the model is not Qwen-Image.
   */
  constructor(pipeline: ServedPipeline, options: RolloutServerOptions) {
    const { architecture } = pipeline.modelConfig;
    if (architecture !== ARCHITECTURE) {
      throw new Error(
        `Cannot roll out on SGLang as the architecture must be ${ARCHITECTURE}, whose latents are packed there as here: current value is ${architecture}`,
      );
    }
    const { in_channels: channels } = pipeline.transformer.config as { in_channels: number };
    const latentShape = (height: number, width: number) => {
      const [rows, columns] = tokenGrid(height, width);
      return [rows * columns, channels];
    };
    super(pipeline, sglangProtocol(latentShape), options);
  }
}
