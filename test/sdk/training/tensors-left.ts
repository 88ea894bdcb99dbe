// Prints how many tensors each call leaves, by the name of what is called, after a first one that sets up what stays.
import { join } from 'node:path';
import { AdamW, compile, FlowGRPOTrainer, loadPipeline, tf } from '@flowbook/sdk';
import { clipGradientsInSlices } from '../../../sdk/src/training/clip-gradients';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

async function left(call: () => unknown, calls = 2): Promise<number[]> {
  const counts: number[] = [];
  await call();
  for (let at = 0; at < calls; at++) {
    const before = tf.memory().numTensors;
    await call();
    counts.push(tf.memory().numTensors - before);
  }
  return counts;
}

async function main(): Promise<void> {
  const parameters = new Map(['a', 'b'].map((name) => [name, tf.variable<tf.Rank>(tf.ones([3]))]));
  const gradients = new Map(['a', 'b'].map((name) => [name, tf.ones([3]) as tf.Tensor]));
  const optimizer = new AdamW(parameters);
  const pair = compile((x: tf.Tensor) => [x, tf.add(tf.square(x), 1)]);
  const x = tf.tensor1d([1, 2]);
  const pipeline = await loadPipeline(MODEL, {
    height: 32,
    width: 32,
    num_inference_steps: 4,
    algorithm: 'flow_grpo',
  });
  const trainer = new FlowGRPOTrainer(pipeline, {
    prompts: ['a red fox', 'two cats'],
    reward: 'redness',
    promptsPerStep: 2,
    groupSize: 2,
    steps: 5,
    lora: { rank: 2, targetModules: ['to_q'] },
  });
  const step = async () => void (await trainer.step());
  await step();
  const counts = {
    'a compiled function': await left(() => tf.dispose(pair(x))),
    'runAsync()': await left(async () => tf.dispose(await pair.runAsync(x))),
    'prepare()': await left(async () => {
      const { run } = pair.prepare(x);
      tf.dispose([await run(), await run()].flat());
    }),
    'AdamW.step()': await left(() => optimizer.step(gradients)),
    'AdamW.stepAsync()': await left(() => optimizer.stepAsync(gradients)),
    'clipGradientsInSlices()': await left(async () => {
      const clipped = await clipGradientsInSlices(gradients, 1);
      tf.dispose([...clipped.gradients.values()]);
    }),
    'FlowGRPOTrainer.step()': await left(step),
  };
  console.log(JSON.stringify({ counts, x: [...x.dataSync()] }));
}

void main();
