import { join } from 'node:path';
import { encode } from '@msgpack/msgpack';
import { keyGenerator, readSafetensors, tf, type RolloutPipeline } from '@flowbook/sdk';
import { encodeSafetensors } from '../../../sdk/src/io/write-safetensors';
import { PictureServer, sendJson, type Asked } from './picture-server';

/** What an answer may be changed into before it is sent. */
export type Sample = Record<string, unknown> & {
  dit_trajectory: Record<string, unknown>;
};

/** A tensor as SGLang writes it. */
export function wireTensor(shape: number[], values: ArrayLike<number>): object {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  const file = encodeSafetensors([['t', { dtype: 'F32', shape, bytes: () => bytes }]], {});
  const data = Buffer.from(file).toString('base64');
  return { __tensor__: true, data, shape, dtype: 'torch.float32' };
}

/** The numbers of a tensor of SGLang's form. */
export const wireOf = (tensor: tf.Tensor) => wireTensor([...tensor.shape], tensor.dataSync());

/**
 * A server that speaks SGLang's form and rolls out by a pipeline of its own: `/rollout/generate`, `/v1/set_lora` and
 * `/update_weights_from_disk`.
 */
export class SGLangServer extends PictureServer {
  /** Changes each entry of an answer. */
  change: (sample: Sample) => Sample = (sample) => sample;
  /** Sends the whole walk, as older servers do. */
  sendsAll = false;

  constructor(readonly pipeline: RolloutPipeline) {
    super(async (asked, response) => {
      if (asked.path === '/v1/set_lora') {
        this.#setLora(asked.body);
        return sendJson(response, { status: 'ok', message: 'Successfully set LoRA adapter(s)' });
      }
      if (asked.path === '/update_weights_from_disk') {
        this.#updateWeights(asked.body);
        return sendJson(response, { success: true, message: 'Updated 1 modules (transformer).' });
      }
      if (asked.path !== '/rollout/generate') {
        return sendJson(response, { detail: 'Not Found' }, 404);
      }
      const samples = (await this.#generate(asked)).map(this.change);
      response.writeHead(200, { 'content-type': 'application/msgpack' }).end(encode(samples));
    });
  }

  #setLora(body: Record<string, unknown>): void {
    const { transformer } = this.pipeline;
    const name = body.lora_nickname as string;
    if (transformer.adapters.names().includes(name)) transformer.adapters.remove(name);
    transformer.loadLora(body.lora_path as string, { adapterName: name });
    transformer.setAdapters(name, body.strength as number);
  }

  #updateWeights(body: Record<string, unknown>): void {
    const [module] = body.target_modules as [string];
    const file = join(body.model_path as string, module, 'diffusion_pytorch_model.safetensors');
    for (const [name, tensor] of readSafetensors(file)) {
      this.pipeline.transformer.parameters.get(name)?.assign(tensor);
      tensor.dispose();
    }
  }

  async #generate({ body }: Asked): Promise<Sample[]> {
    const states = body.rollout_return_step_indices as number[];
    const window: [number, number] = [states[0], states[states.length - 1]];
    const count = body.num_outputs_per_prompt as number;
    const seed = body.seed as number;
    const steps = body.num_inference_steps as number;
    const { pipeline } = this;
    const hasNoise = body.rollout_sde_type !== 'ode';
    const { output, customOutput } = await pipeline.forward(
      {
        prompts: [
          {
            prompt: body.prompt as string,
            negative_prompt: (body.negative_prompt as string | undefined) ?? null,
          },
        ],
        sampling_params: {
          num_outputs_per_prompt: count,
          generator: Array.from({ length: count }, (_, at) => keyGenerator(seed + at)),
        },
      },
      {
        height: body.height as number,
        width: body.width as number,
        numInferenceSteps: steps,
        trueCfgScale: body.true_cfg_scale as number,
        noiseLevel: hasNoise ? (body.rollout_noise_level as number) : 0,
        sdeType: hasNoise ? (body.rollout_sde_type as string) : 'sde',
        sdeWindowSize: window[1] - window[0],
        sdeWindowRange: window,
      },
    );
    const { all_latents: latents, all_log_probs: logProbs } = customOutput;
    const rows = tf.unstack(latents);
    const values = logProbs?.arraySync() ?? [];
    const { sigmaValues, timestepValues } = pipeline.scheduler;
    const samples = (output as { width: number; height: number; data: Uint8Array }[]).map(
      ({ width, height, data }, at): Sample => {
        const all = Array.from({ length: steps }, () => 0);
        values[at]?.forEach((value, step) => (all[window[0] + step] = value));
        const pixels = width * height;
        const planes = Float32Array.from({ length: 3 * pixels }, (_, one) => {
          const [channel, pixel] = [Math.floor(one / pixels), one % pixels];
          return data[3 * pixel + channel] / 255;
        });
        const trajectory = {
          latents: this.sendsAll ? wireOf(padded(rows[at], window[0], steps)) : wireOf(rows[at]),
          timesteps: wireTensor([steps], timestepValues),
          sigmas: wireTensor([steps + 1], sigmaValues),
          ...(this.sendsAll ? {} : { latent_step_indices: wireTensor([states.length], states) }),
        };
        return {
          request_id: 'one',
          prompt: body.prompt,
          seed,
          generated_output: wireTensor([3, 1, height, width], planes),
          rollout_log_probs: wireTensor([steps], all),
          rollout_debug_tensors: null,
          denoising_env: null,
          dit_trajectory: trajectory,
          inference_time_s: 0.25,
          peak_memory_mb: null,
        };
      },
    );
    tf.dispose([...rows, ...Object.values(customOutput).filter((one) => one instanceof tf.Tensor)]);
    return samples;
  }
}

/** States of all steps, 0 where they are not known. */
function padded(states: tf.Tensor, first: number, steps: number): tf.Tensor {
  const [count, ...shape] = states.shape;
  const after = steps + 1 - first - count;
  return tf.tidy(() =>
    tf.concat([tf.zeros([first, ...shape]), states, tf.zeros([after, ...shape])]),
  );
}
