"""Stable Diffusion 3's transformer: plain, with norms of queries and keys, with dual attention, with adapters."""

import torch
from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

from .random_models import add_lora, saved_model
from .transformer_case import measure


def random_config(rng):
    heads, size, layers = rng.randint(1, 4), rng.choice([8, 12, 16]), rng.randint(1, 3)
    dual = [k for k in range(layers) if rng.random() < 0.5] if rng.random() < 0.5 else []
    return {
        "sample_size": rng.choice([8, 16, 24]),
        "patch_size": rng.choice([1, 2, 2, 2, 3]),
        "in_channels": rng.choice([1, 4, 5, 16]),
        "num_layers": layers,
        "attention_head_dim": size,
        "num_attention_heads": heads,
        "joint_attention_dim": rng.choice([8, 24, 48]),
        "caption_projection_dim": heads * size,
        "pooled_projection_dim": rng.choice([6, 20, 40]),
        "out_channels": rng.choice([None, 4, 3, 16]),
        "pos_embed_max_size": rng.choice([6, 7, 12]),
        "dual_attention_layers": tuple(dual),
        "qk_norm": rng.choice([None, "rms_norm"]),
    }


def make(rng, context):
    config = random_config(rng)
    model, folder = saved_model(SD3Transformer2DModel(**config), rng, context, "transformer")
    lora = add_lora(model, StableDiffusion3Pipeline, rng, context) if rng.random() < 0.4 else None
    batch, length, patch = rng.randint(1, 3), rng.randint(1, 20), config["patch_size"]
    sides = [patch * rng.randint(1, min(6, config["pos_embed_max_size"])) for _ in range(2)]
    times = 1000 * torch.rand(rng.choice([batch, batch, 1]), generator=context.generator)
    inputs = {
        "hidden_states": context.randn((batch, config["in_channels"], *sides)),
        "encoder_hidden_states": context.randn((batch, length, config["joint_attention_dim"])),
        "pooled_projections": context.randn((batch, config["pooled_projection_dim"])),
        "timestep": times.round() if rng.random() < 0.3 else times,
    }
    kwargs = {"scale": rng.choice([0.5, 0.0, 2.0])} if lora is not None and rng.random() < 0.3 else None
    skipped = [k for k in range(config["num_layers"]) if rng.random() < 0.4] if rng.random() < 0.3 else None
    others = {"skip_layers": skipped}
    if kwargs is not None:
        others["joint_attention_kwargs"] = kwargs
    differentiated = ["hidden_states", "encoder_hidden_states", "pooled_projections"]
    result, tensors = measure(model, context, inputs, differentiated, others)
    return {
        "model": folder,
        "lora": lora,
        "skip_layers": skipped,
        "joint_attention_kwargs": kwargs,
        **result,
    }, tensors
