import { tf } from '../../tensorflow';
import {
  attention,
  headsFirst,
  joinHeads,
  modulatedLayerNorm,
  rmsNorm,
  splitHeads,
  withZeroGradient,
} from '../layers';
import type { ModelWeights } from '../model-weights';
import {
  continuousLayerNorm,
  feedForward,
  gatedAdd,
  modulations,
  type Streams,
} from '../transformer-parts';

/** What all blocks of one forward pass share. */
export interface BlockContext {
  weights: ModelWeights;
  heads: number;
  /** silu of the embedding of time and pooled text, (B, C). */
  time: tf.Tensor2D;
}

/** What distinguishes one block from another. */
export interface BlockKind {
  /** The text stream ends here: it is looked at, and goes no further. */
  isLast: boolean;
  /** The picture attends once more, to itself alone. */
  isDual: boolean;
}

/**
 * A joint block of MMDiT (Esser et al. 2024, arXiv 2403.03206): text and picture attend to each other, each with weights
 * of its own.
 *
 * @param path Module path of the block, for example `transformer_blocks.0`.
 */
export function transformerBlock(
  { img, txt }: Streams,
  path: string,
  { isLast, isDual }: BlockKind,
  context: BlockContext,
): Streams {
  const { weights, time } = context;
  const [shift, scale, gate, ...imgMlp] = modulations(
    weights,
    `${path}.norm1.linear`,
    time,
    isDual ? 9 : 6,
  );
  const imgInput = modulatedLayerNorm(img, shift, scale);
  const finish = (y: tf.Tensor3D) => {
    const [shiftMlp, scaleMlp, gateMlp, shift2, scale2, gate2] = imgMlp;
    let x = gatedAdd(img, gate, weights.linear(`${path}.attn.to_out.0`, y));
    if (isDual) {
      const input = modulatedLayerNorm(img, shift2, scale2);
      x = gatedAdd(x, gate2, selfAttention(input, `${path}.attn2`, context));
    }
    const mlp = feedForward(weights, `${path}.ff`, modulatedLayerNorm(x, shiftMlp, scaleMlp));
    return gatedAdd(x, gateMlp, mlp);
  };
  if (isLast) {
    const txtInput = continuousLayerNorm(weights, `${path}.norm1_context.linear`, txt, time);
    return { img: finish(imageAttention(imgInput, txtInput, `${path}.attn`, context)), txt };
  }
  const txtParts = modulations(weights, `${path}.norm1_context.linear`, time, 6);
  const [txtShift, txtScale, txtGate, txtShiftMlp, txtScaleMlp, txtGateMlp] = txtParts;
  const txtInput = modulatedLayerNorm(txt, txtShift, txtScale);
  const y = jointAttention(imgInput, txtInput, `${path}.attn`, context);
  const text = gatedAdd(txt, txtGate, weights.linear(`${path}.attn.to_add_out`, y.txt));
  const normed = modulatedLayerNorm(text, txtShiftMlp, txtScaleMlp);
  const txtMlp = feedForward(weights, `${path}.ff_context`, normed);
  return { img: finish(y.img), txt: gatedAdd(text, txtGateMlp, txtMlp) };
}

/** The picture attends to itself. */
function selfAttention(img: tf.Tensor3D, path: string, context: BlockContext): tf.Tensor3D {
  const q = heads(img, `${path}.to_q`, `${path}.norm_q`, context);
  const y = attend([q], [img], path, context);
  return context.weights.linear(`${path}.to_out.0`, y);
}

/** Everyone attends to everyone. */
function jointAttention(
  img: tf.Tensor3D,
  txt: tf.Tensor3D,
  path: string,
  context: BlockContext,
): Streams {
  const q = [
    heads(img, `${path}.to_q`, `${path}.norm_q`, context),
    heads(txt, `${path}.add_q_proj`, `${path}.norm_added_q`, context),
  ];
  const y = attend(q, [img, txt], path, context);
  const [imgOut, txtOut] = tf.split<tf.Tensor3D>(y, [img.shape[1], txt.shape[1]], 1);
  return { img: imgOut, txt: txtOut };
}

/** The picture attends to everyone. The text's queries reach nothing, so their weights have a gradient of zero. */
function imageAttention(
  img: tf.Tensor3D,
  txt: tf.Tensor3D,
  path: string,
  context: BlockContext,
): tf.Tensor3D {
  const q = heads(img, `${path}.to_q`, `${path}.norm_q`, context);
  return withZeroGradient(attend([q], [img, txt], path, context), [
    ...context.weights.parametersOf(`${path}.add_q_proj`),
    ...context.weights.parametersOf(`${path}.norm_added_q`),
  ]);
}

/**
 * @param q Queries (B, L, H, D), one after another.
 * @param streams What they look at: the picture, and perhaps the text.
 * @returns (B, sum of the queries' L, C)
 */
function attend(
  q: tf.Tensor4D[],
  [img, txt]: tf.Tensor3D[],
  path: string,
  context: BlockContext,
): tf.Tensor3D {
  const k = [heads(img, `${path}.to_k`, `${path}.norm_k`, context)];
  const v = [heads(img, `${path}.to_v`, null, context)];
  if (txt !== undefined) {
    k.push(heads(txt, `${path}.add_k_proj`, `${path}.norm_added_k`, context));
    v.push(heads(txt, `${path}.add_v_proj`, null, context));
  }
  return joinHeads(attention(headsFirst(q), headsFirst(k), headsFirst(v), null));
}

/** A projection by heads, (B, L, H, D), normed where the model has weights for it. */
function heads(
  x: tf.Tensor3D,
  projection: string,
  norm: string | null,
  { weights, heads: count }: BlockContext,
): tf.Tensor4D {
  const y = splitHeads(weights.linear(projection, x), count);
  const name = `${norm}.weight`;
  return weights.parameters.has(name) ? rmsNorm(y, weights.get(name) as tf.Tensor1D) : y;
}
