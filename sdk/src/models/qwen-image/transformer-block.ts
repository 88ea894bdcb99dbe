import { tf } from '../../tensorflow';
import {
  attention,
  headsFirst,
  joinHeads,
  modulatedLayerNorm,
  rmsNorm,
  rotateInterleaved,
  splitHeads,
  withZeroGradient,
  type RotaryTables,
} from '../layers';
import type { ModelWeights } from '../model-weights';
import { feedForward, gatedAdd, modulations, type Streams } from '../transformer-parts';

/** The tensors that all blocks of one forward pass share. */
export type SharedTensors = {
  /** silu of the time embedding: `txt` (B, C), `img` the same; with `zero_cond_t` (2 B, C), the second half for time 0. */
  time: { img: tf.Tensor2D; txt: tf.Tensor2D };
  /** For text and image tokens, in this order. */
  rotary: RotaryTables;
  /** For image tokens alone. */
  imageRotary: RotaryTables;
  /** (B, 1, 1, L + S) added to attention scores, or null. */
  bias: tf.Tensor4D | null;
  /** (B, S, 1), true at tokens that are modulated as at time 0; null without `zero_cond_t`. */
  isCondition: tf.Tensor3D | null;
};

/** What all blocks of one forward pass share. */
export interface BlockContext extends SharedTensors {
  weights: ModelWeights;
  heads: number;
}

/** Shift, scale and gate of one half of a block, each (B, 1, C) or (B, S, C). */
type Modulation = [shift: tf.Tensor3D, scale: tf.Tensor3D, gate: tf.Tensor3D];

/**
 * A double-stream block (Qwen-Image, arXiv 2508.02324; MMDiT of Esser et al., arXiv 2403.03206): text and image tokens
 * attend to each other, each stream with weights of its own.
 *
 * @param path Module path of the block, for example `transformer_blocks.0`.
 * @param isLast The text stream ends in the last block, so its tail is left out there.
 */
export function transformerBlock(
  { img, txt }: Streams,
  path: string,
  isLast: boolean,
  context: BlockContext,
): Streams {
  const { weights } = context;
  const { img: imgTime, txt: txtTime } = context.time;
  const [imgAttention, imgMlp] = streamModulations(
    `${path}.img_mod.1`,
    imgTime,
    weights,
    context.isCondition,
  );
  const [txtAttention, txtMlp] = streamModulations(`${path}.txt_mod.1`, txtTime, weights, null);
  const imgInput = modulatedLayerNorm(img, imgAttention[0], imgAttention[1]);
  const txtInput = modulatedLayerNorm(txt, txtAttention[0], txtAttention[1]);
  const mlp = (stream: 'img' | 'txt', x: tf.Tensor3D, [shift, scale, gate]: Modulation) => {
    const normed = modulatedLayerNorm(x, shift, scale);
    return gatedAdd(x, gate, feedForward(weights, `${path}.${stream}_mlp`, normed));
  };
  if (isLast) {
    const y = imageAttention(imgInput, txtInput, `${path}.attn`, context);
    const imgOut = gatedAdd(img, imgAttention[2], weights.linear(`${path}.attn.to_out.0`, y));
    return { img: mlp('img', imgOut, imgMlp), txt };
  }
  const y = jointAttention(imgInput, txtInput, `${path}.attn`, context);
  const imgOut = gatedAdd(img, imgAttention[2], weights.linear(`${path}.attn.to_out.0`, y.img));
  const txtOut = gatedAdd(txt, txtAttention[2], weights.linear(`${path}.attn.to_add_out`, y.txt));
  return { img: mlp('img', imgOut, imgMlp), txt: mlp('txt', txtOut, txtMlp) };
}

/** Everyone attends to everyone; (B, L + S, C) split into the streams. */
function jointAttention(
  img: tf.Tensor3D,
  txt: tf.Tensor3D,
  path: string,
  context: BlockContext,
): Streams {
  const q = [
    normedHeads(txt, `${path}.add_q_proj`, `${path}.norm_added_q`, context),
    normedHeads(img, `${path}.to_q`, `${path}.norm_q`, context),
  ];
  const rotated = rotateInterleaved(headsFirst(q), context.rotary);
  const y = attend(rotated, img, txt, path, context);
  const [txtOut, imgOut] = tf.split<tf.Tensor3D>(y, [txt.shape[1], img.shape[1]], 1);
  return { img: imgOut, txt: txtOut };
}

/** Image tokens attend to everyone. The text's queries reach nothing, so their weights have a gradient of zero. */
function imageAttention(
  img: tf.Tensor3D,
  txt: tf.Tensor3D,
  path: string,
  context: BlockContext,
): tf.Tensor3D {
  const q = normedHeads(img, `${path}.to_q`, `${path}.norm_q`, context);
  const rotated = rotateInterleaved(headsFirst([q]), context.imageRotary);
  return withZeroGradient(attend(rotated, img, txt, path, context), [
    ...context.weights.parametersOf(`${path}.add_q_proj`),
    ...context.weights.parametersOf(`${path}.norm_added_q`),
  ]);
}

/** (B, H, Lq, D) queries -> (B, Lq, C) */
function attend(
  q: tf.Tensor4D,
  img: tf.Tensor3D,
  txt: tf.Tensor3D,
  path: string,
  context: BlockContext,
): tf.Tensor3D {
  const k = [
    normedHeads(txt, `${path}.add_k_proj`, `${path}.norm_added_k`, context),
    normedHeads(img, `${path}.to_k`, `${path}.norm_k`, context),
  ];
  const v = [
    projectedHeads(txt, `${path}.add_v_proj`, context),
    projectedHeads(img, `${path}.to_v`, context),
  ];
  const y = attention(
    q,
    rotateInterleaved(headsFirst(k), context.rotary),
    headsFirst(v),
    context.bias,
  );
  return joinHeads(y);
}

function projectedHeads(x: tf.Tensor3D, path: string, context: BlockContext): tf.Tensor4D {
  return splitHeads(context.weights.linear(path, x), context.heads);
}

function normedHeads(
  x: tf.Tensor3D,
  projection: string,
  norm: string,
  context: BlockContext,
): tf.Tensor4D {
  const weight = context.weights.get(`${norm}.weight`) as tf.Tensor1D;
  return rmsNorm(projectedHeads(x, projection, context), weight);
}

/** The two modulations of a stream, from its time (B, C), or (2 B, C) when tokens differ. */
function streamModulations(
  path: string,
  time: tf.Tensor2D,
  weights: ModelWeights,
  isCondition: tf.Tensor3D | null,
): [Modulation, Modulation] {
  const parts = modulations(weights, path, time, 6).map((part) =>
    isCondition === null ? part : selectByToken(part, isCondition),
  );
  return [parts.slice(0, 3), parts.slice(3)] as [Modulation, Modulation];
}

/** (2 B, 1, C): at the sample's time, then at time 0 -> (B, S, C) */
function selectByToken(part: tf.Tensor3D, isCondition: tf.Tensor3D): tf.Tensor3D {
  const [atTime, atZero] = tf.split<tf.Tensor3D>(part, 2, 0);
  return tf.where<tf.Tensor3D>(isCondition, atZero, atTime);
}
