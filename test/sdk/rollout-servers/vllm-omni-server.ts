import { keyGenerator, tf, type PixelImage, type RolloutPipeline } from '@flowbook/sdk';
import { toPng } from '../../../sdk/src/io/image-file';
import { PictureServer, sendJson } from './picture-server';

/** A server that speaks vLLM-Omni's form of `/v1/images/generations` and makes pictures by a pipeline of its own. */
export class VllmOmniServer extends PictureServer {
  constructor(readonly pipeline: RolloutPipeline) {
    super(async ({ path, body }, response) => {
      if (path !== '/v1/images/generations')
        return sendJson(response, { detail: 'Not Found' }, 404);
      const {
        name,
        path: place,
        scale,
      } = body.lora as { name: string; path: string; scale: number };
      const { transformer } = pipeline;
      if (!transformer.adapters.names().includes(name)) {
        transformer.loadLora(place, { adapterName: name });
      }
      transformer.setAdapters(name, scale);
      const [width, height] = (body.size as string).split('x').map(Number);
      const steps = body.num_inference_steps as number;
      const { output, customOutput } = await pipeline.forward(
        {
          prompts: [body.prompt as string],
          sampling_params: { generator: keyGenerator(body.seed as number) },
        },
        {
          height,
          width,
          numInferenceSteps: steps,
          trueCfgScale: body.true_cfg_scale as number,
          noiseLevel: 0,
          sdeWindowSize: 1,
          sdeWindowRange: [0, 1],
        },
      );
      tf.dispose(Object.values(customOutput).filter((one) => one instanceof tf.Tensor));
      const data = await Promise.all(
        (output as PixelImage[]).map(async (image) => ({
          b64_json: (await toPng(image)).toString('base64'),
          url: null,
          revised_prompt: null,
        })),
      );
      sendJson(response, { created: 1, data, output_format: 'png', size: body.size });
    });
  }
}
