"""Qwen-Image's autoencoder on single frames: every setting, pictures of all sides."""

import torch
from diffusers import AutoencoderKLQwenImage, QwenImagePipeline
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import QwenImageAttentionBlock

from .random_models import saved_model


def random_config(rng):
    levels, z = rng.randint(1, 4), rng.choice([1, 3, 4, 16])
    return {
        "base_dim": rng.choice([4, 6, 8]),
        "z_dim": z,
        "dim_mult": [rng.choice([1, 2, 3, 4]) for _ in range(levels)],
        "num_res_blocks": rng.randint(1, 2),
        "attn_scales": rng.sample([1.0, 0.5, 0.25, 0.125], rng.choice([0, 0, 1, 2])),
        "temperal_downsample": [rng.random() < 0.5 for _ in range(levels - 1)],
        "dropout": rng.choice([0.0, 0.1]),
        "input_channels": rng.choice([3, 3, 3, 1, 4]),
        "latents_mean": [rng.uniform(-1, 1) for _ in range(z)],
        "latents_std": [rng.uniform(0.5, 3) for _ in range(z)],
    }


attend = QwenImageAttentionBlock.forward
# diffusers 0.42.1 hands its caches to every layer of the encoder, and so fails where `attn_scales` puts an attention.
QwenImageAttentionBlock.forward = lambda self, x, *_caches: attend(self, x)


@torch.no_grad()
def make(rng, context):
    config = random_config(rng)
    vae, folder = saved_model(AutoencoderKLQwenImage(**config), rng, context, "vae")
    batch, z, ratio = rng.randint(1, 3), config["z_dim"], vae.spatial_compression_ratio
    h, w = 2 * rng.randint(1, 3), 2 * rng.randint(1, 4)
    latents = context.randn((batch, z, 1, h, w))
    statistic = {name: torch.tensor(config[name]).view(1, z, 1, 1, 1) for name in ("latents_mean", "latents_std")}
    mean, std = statistic.values()
    decoder_input = latents * std + mean
    image = vae.decode(decoder_input, return_dict=False)[0]
    picture = 2 * torch.rand(batch, config["input_channels"], 1, h * ratio, w * ratio, generator=context.generator) - 1
    posterior = vae.encode(picture).latent_dist
    packed = QwenImagePipeline._pack_latents(latents, batch, z, h, w)
    return {
        "model": folder,
        "output_std": image.std().item(),
        "tolerance": {"atol": 1e-4, "rtol": 1e-3},
    }, {
        "latents": latents,
        "decoder_input": decoder_input,
        "image": image,
        "image01": (image / 2 + 0.5).clamp(0, 1)[:, :, 0],
        "packed_latents": packed,
        "enc_image": picture,
        "enc_mean": posterior.mean,
        "enc_logvar": posterior.logvar,
        "enc_mode_normalized": (posterior.mode() - mean) / std,
    }
