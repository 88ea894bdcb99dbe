// npm run pretrain -- qwen-image|sd3 [--work DIR] [--out DIR] [--smoke]: an autoencoder, then a transformer, from new weights to
// a model directory. What was stopped goes on where it was saved last.
import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { RandomKey, loadPipeline, tf } from '@flowbook/sdk';
import { assemblePipeline, latentStatistics, saveAutoencoder } from './assemble';
import { pretrainAutoencoder } from './autoencoder';
import { drawCurves } from './draw-curves';
import { pretrainTransformer } from './flow-matching';
import { MODELS, shortened, type ModelName } from './models';
import type { ShapesPipeline } from './shapes-pipeline';
import { progressLine } from './progress-line';

const ROOT = resolve(__dirname, '../../..');

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      work: { type: 'string' },
      out: { type: 'string' },
      smoke: { type: 'boolean', default: false },
    },
  });
  const [name] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(MODELS, name)) {
    throw new Error(
      `Cannot pre-train as the model must be one of ${Object.keys(MODELS).join(', ')}: current value is ${positionals.join(' ') || 'none'}`,
    );
  }
  const model = values.smoke ? shortened(MODELS[name as ModelName]) : MODELS[name as ModelName];
  const work = resolve(values.work ?? join(ROOT, 'runs', `pretrain-${name}`));
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Error('Pre-training was stopped')));
  process.once('SIGTERM', () => controller.abort(new Error('Pre-training was stopped')));
  const { signal } = controller;

  const source = join(ROOT, model.source);
  const { config } = model.autoencoder;
  const {
    task,
    found: passing,
    latents,
  } = await pretrainAutoencoder(
    model.autoencoder,
    join(work, 'vae'),
    progressLine('autoencoder'),
    signal,
  );
  const statistics = latentStatistics(latents);
  latents.dispose();
  const vae = join(work, 'pipeline-vae');
  saveAutoencoder(task, config, statistics, vae);
  task.dispose();

  const folder = join(work, 'pipeline');
  const key = RandomKey.fromSeed(model.transformer.options.seed);
  const { encoderScale, clipTokens } = model;
  const { config: transformer } = model.transformer;
  assemblePipeline(source, { vae, transformer, key, encoderScale, clipTokens }, folder);
  const pipeline = await loadPipeline<ShapesPipeline>(folder, model.pipeline);
  const accuracy = await pretrainTransformer(
    pipeline,
    model.transformer,
    join(work, 'transformer'),
    progressLine('transformer'),
    signal,
  );
  await pipeline.savePretrained(folder);
  await drawCurves(work);
  if (values.out !== undefined) {
    cpSync(folder, resolve(values.out), { recursive: true });
  }
  console.log(JSON.stringify({ model: name, folder, ...passing, ...accuracy }));
  tf.disposeVariables();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
