"""Stable Diffusion 3's autoencoder: every setting, pictures of all sides."""

import torch
from diffusers import AutoencoderKL

from .random_models import saved_model


def random_config(rng):
    levels, groups = rng.randint(1, 4), rng.choice([1, 2, 4])
    return {
        "in_channels": rng.choice([3, 3, 1, 4]),
        "out_channels": rng.choice([3, 3, 1, 4]),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "block_out_channels": [groups * rng.randint(1, 4) for _ in range(levels)],
        "layers_per_block": rng.randint(1, 2),
        "act_fn": rng.choice(["silu", "silu", "swish"]),
        "latent_channels": rng.choice([1, 4, 16]),
        "norm_num_groups": groups,
        "sample_size": rng.choice([32, 64]),
        "scaling_factor": rng.choice([1.5305, 0.18215, 1.0]),
        "shift_factor": rng.choice([0.0609, -0.3, 0.0]),
        "force_upcast": rng.random() < 0.5,
        "use_quant_conv": rng.random() < 0.5,
        "use_post_quant_conv": rng.random() < 0.5,
        "mid_block_add_attention": rng.random() < 0.7,
    }


@torch.no_grad()
def make(rng, context):
    config = random_config(rng)
    vae, folder = saved_model(AutoencoderKL(**config), rng, context, "vae")
    batch, ratio = rng.randint(1, 3), 2 ** (len(config["block_out_channels"]) - 1)
    h, w = rng.randint(2, 6), rng.randint(2, 8)
    latents = context.randn((batch, config["latent_channels"], h, w))
    scale, shift = config["scaling_factor"], config["shift_factor"]
    decoder_input = latents / scale + shift
    image = vae.decode(decoder_input, return_dict=False)[0]
    picture = 2 * torch.rand(batch, config["in_channels"], h * ratio, w * ratio, generator=context.generator) - 1
    posterior = vae.encode(picture).latent_dist
    return {
        "model": folder,
        "output_std": image.std().item(),
        "tolerance": {"atol": 1e-4, "rtol": 1e-3},
    }, {
        "latents": latents,
        "decoder_input": decoder_input,
        "image": image,
        "enc_image": picture,
        "enc_mean": posterior.mean,
        "enc_logvar": posterior.logvar,
        "enc_mode_normalized": (posterior.mode() - shift) * scale,
    }
