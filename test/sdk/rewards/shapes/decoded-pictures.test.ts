import assert from 'node:assert/strict';
import {
  judgePicture,
  loadShapesPrompts,
  PROMPT_KINDS,
  QwenImagePipelineWithLogProb,
  RandomKey,
  renderPrompt,
  tf,
  toPixelImages,
  type PixelImage,
} from '@flowbook/sdk';

/** Share of right pictures that must still be right once the autoencoder has encoded and decoded them. */
const LEAST_SHARE = 0.99;
/** Pictures of each kind of prompt. */
const PICTURES = 100;

async function throughAutoencoder(
  pipeline: QwenImagePipelineWithLogProb,
  images: readonly PixelImage[],
): Promise<PixelImage[]> {
  const decoded = tf.tidy(() => {
    const levels = Float32Array.from(images.flatMap(({ data }) => Array.from(data)));
    const pixels = tf.transpose(tf.tensor4d(levels, [images.length, 64, 64, 3]), [0, 3, 1, 2]);
    const latents = pipeline.encodeImages(tf.sub(tf.div(pixels, 127.5), 1));
    return pipeline.decodeLatents(latents, 64, 64);
  });
  try {
    return await toPixelImages(decoded);
  } finally {
    decoded.dispose();
  }
}

describe('pictures that the tiny autoencoder encodes and decodes', function () {
  this.timeout(300_000);

  it(`are right in at least ${100 * LEAST_SHARE} of 100, as many of each kind of prompt`, async () => {
    const pipeline = await QwenImagePipelineWithLogProb.fromPretrained({
      path: 'datasets/tiny-qwen-image',
      height: 64,
      width: 64,
    });
    const prompts = loadShapesPrompts('datasets/shapes/train.jsonl');
    const tensors = tf.memory().numTensors;
    const shares: Record<string, number> = {};
    for (const kind of PROMPT_KINDS) {
      const ofKind = prompts.filter((prompt) => prompt.kind === kind);
      const drawn = Array.from({ length: PICTURES }, (_, at) => {
        const key = RandomKey.fromSeed(5).fold(kind, at);
        const prompt = ofKind[key.fold('prompt').integer(0, ofKind.length)];
        return { prompt, image: renderPrompt(prompt, key) };
      });
      const decoded = await throughAutoencoder(
        pipeline,
        drawn.map(({ image }) => image),
      );
      const right = decoded.filter((image, at) => judgePicture(image, drawn[at].prompt).correct);
      shares[kind] = right.length / PICTURES;
    }
    assert.equal(tf.memory().numTensors, tensors);
    const share = PROMPT_KINDS.reduce((sum, kind) => sum + shares[kind], 0) / PROMPT_KINDS.length;
    assert.ok(share >= LEAST_SHARE, `${share.toFixed(4)} are right: ${JSON.stringify(shares)}`);
  });
});
