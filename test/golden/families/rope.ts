import { qwenRotaryFactors } from '../../../sdk/src/models/qwen-image/rope';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Rotary factors of the image and the text stream. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const comparison = new Comparison();
  const { img, txt } = qwenRotaryFactors(json.img_shapes[0], json.max_txt_seq_len, {
    axesDimsRope: json.axes_dims_rope,
    scaleRope: json.scale_rope,
    layer3d: json.use_layer3d_rope ?? false,
  });
  for (const [stream, factors] of Object.entries({ img, txt })) {
    for (const kind of ['cos', 'sin'] as const) {
      const name = `${stream}.${kind}`;
      comparison.compare(name, factors[kind], goldenCase.tensor(name), json.tolerance);
    }
  }
  return comparison.result();
};
