import { tf } from '../../tensorflow';

/**
 * Latents (B, C, 1, h, w) or (B, C, h, w) -> tokens (B, h/2 * w/2, 4C) of 2x2 latents each, in the
 * order (channel, row, column).
 *
 * Rule: diffusers `QwenImagePipeline._pack_latents`.
 *
 * @throws When a side is odd.
 *
 * @example
 * packLatents(tf.tensor4d([[[[0, 1], [2, 3]]]])); // [[[0, 1, 2, 3]]]
 */
export function packLatents(latents: tf.Tensor): tf.Tensor3D {
  const [B, C] = latents.shape;
  const [h, w] = latents.shape.slice(-2);
  const framed = latents.rank === 5 && latents.shape[2] === 1;
  if (!(framed || latents.rank === 4) || h % 2 !== 0 || w % 2 !== 0) {
    throw new Error(
      `Cannot pack latents as their shape must be (B, C, 1, h, w) or (B, C, h, w) with even sides: current value is (${latents.shape.join(', ')})`,
    );
  }
  return tf.tidy(() =>
    tf
      .reshape(latents, [B, C, h / 2, 2, w / 2, 2])
      .transpose([0, 2, 4, 1, 3, 5]) // (B, h/2, w/2, C, 2, 2)
      .reshape([B, (h / 2) * (w / 2), 4 * C]),
  );
}

/**
 * Tokens (B, h/2 * w/2, 4C) -> latents (B, C, 1, h, w): the inverse of `packLatents`.
 *
 * @param tokens In the order (channel, row, column), as `packLatents` lays them.
 * @param h Height of the latents; even.
 * @param w Width of the latents; even.
 * @returns The caller owns it.
 * @throws When a side is odd, or the tokens are not (B, h/2 * w/2, 4C).
 *
 * @example
 * unpackLatents(tf.tensor3d([[[0, 1, 2, 3]]]), 2, 2); // [[[[[0, 1], [2, 3]]]]]
 */
export function unpackLatents(tokens: tf.Tensor, h: number, w: number): tf.Tensor5D {
  const [B, N, channels] = tokens.shape;
  if (tokens.rank !== 3 || h % 2 !== 0 || w % 2 !== 0 || N * 4 !== h * w || channels % 4 !== 0) {
    throw new Error(
      `Cannot unpack latents as ${h} x ${w} latents must come from tokens (B, ${(h * w) / 4}, 4C): current value is (${tokens.shape.join(', ')})`,
    );
  }
  return tf.tidy(() =>
    tf
      .reshape(tokens, [B, h / 2, w / 2, channels / 4, 2, 2])
      .transpose([0, 3, 1, 4, 2, 5]) // (B, C, h/2, 2, w/2, 2)
      .reshape([B, channels / 4, 1, h, w]),
  );
}
