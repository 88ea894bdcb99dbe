import {
  loadPipeline,
  packLatents,
  RandomKey,
  tf,
  type QwenImagePipelineWithLogProb,
} from '@flowbook/sdk';
import { assemblePipeline } from './assemble';
import { pretrainTransformer } from './flow-matching';
import { transformer } from './qwen-image';
(async () => {
  const folder = '/tmp/pretrain/exp-pipe';
  assemblePipeline(
    'datasets/tiny-qwen-image',
    {
      vae: 'datasets/tiny-qwen-image/vae',
      transformer: transformer.config,
      key: RandomKey.fromSeed(2),
    },
    folder,
  );
  const pipeline = await loadPipeline<QwenImagePipelineWithLogProb>(folder, {
    height: 64,
    width: 64,
    algorithm: 'flow_grpo',
  });
  const encode = (p: tf.Tensor4D) =>
    packLatents(
      pipeline.vae.normalizeLatents(
        pipeline.vae.encode(tf.expandDims(tf.transpose(p, [0, 3, 1, 2]), 2)).mean,
      ) as tf.Tensor5D,
    );
  const s = {
    ...transformer,
    pictures: 640,
    options: { ...transformer.options, steps: 150, everySteps: 150 },
  };
  const t = Date.now();
  await pretrainTransformer(
    pipeline,
    encode,
    s,
    '/tmp/pretrain/exp' + process.pid,
    (p) => console.log(JSON.stringify(p)),
    new AbortController().signal,
  );
  console.log((Date.now() - t) / 1000);
})();
