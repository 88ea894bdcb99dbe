"""Rotary factors of Qwen-Image: grids of all sides, several images, frames, layers.

PyTorch's power rounds by processor: where it works on several numbers at once, a frequency may be one unit in the last
place off, and an angle as many as its position says.
"""

import torch
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedLayer3DRope, QwenEmbedRope


def make(rng, context):
    axes = [2 * rng.randint(1, 28) for _ in range(3)] if rng.random() < 0.8 else [16, 56, 56]
    images = [
        [rng.choice([1, 1, 1, 3]), rng.randint(1, 40), rng.randint(1, 40)] for _ in range(rng.choice([1, 1, 2, 4]))
    ]
    length = rng.choice([1, rng.randint(2, 80), 512])
    scale, layered = rng.random() < 0.8, rng.random() < 0.3
    if layered:
        images[-1][0] = 1
    kind = QwenEmbedLayer3DRope if layered else QwenEmbedRope
    rope = kind(theta=10000, axes_dim=axes, scale_rope=scale)
    shapes = [[tuple(image) for image in images]]
    farthest = max(max(image) for image in images) + length
    img, txt = rope(shapes, max_txt_seq_len=length, device=torch.device("cpu"))
    return {
        "axes_dims_rope": axes,
        "theta": 10000,
        "img_shapes": [images],
        "max_txt_seq_len": length,
        "scale_rope": scale,
        "use_layer3d_rope": layered,
        "tolerance": {"atol": 2e-6 + farthest * 2**-23, "rtol": 0},
    }, {"img.cos": img.real, "img.sin": img.imag, "txt.cos": txt.real, "txt.sin": txt.imag}
