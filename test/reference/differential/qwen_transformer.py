"""Qwen-Image's transformer: every setting, masks of all kinds, several images, adapters, file formats."""

import torch
from diffusers import QwenImagePipeline, QwenImageTransformer2DModel

from .random_models import add_lora, saved_model
from .transformer_case import measure


def random_config(rng):
    axes = [2 * rng.randint(1, 4) for _ in range(3)]
    patch = rng.choice([1, 2, 2, 2, 3])
    out_channels = rng.choice([None, 1, 2, 4, 5])
    return {
        "patch_size": patch,
        "in_channels": rng.choice([4, 6, 16, 20]),
        "out_channels": out_channels,
        "num_layers": rng.randint(1, 3),
        "attention_head_dim": sum(axes),
        "num_attention_heads": rng.randint(1, 4),
        "joint_attention_dim": rng.choice([8, 24, 32, 40]),
        "guidance_embeds": rng.random() < 0.3,
        "axes_dims_rope": axes,
        "zero_cond_t": rng.random() < 0.3,
        "use_additional_t_cond": rng.random() < 0.3,
        "use_layer3d_rope": rng.random() < 0.3,
    }


def random_images(rng, layered):
    """The images of a row as [frames, height, width]; the last of several layers is a single picture."""
    count = rng.choice([1, 1, 1, 2, 3])
    images = [[rng.choice([1, 1, 1, 2]), rng.randint(1, 7), rng.randint(1, 7)] for _ in range(count)]
    if layered:
        images[-1][0] = 1
    return images


def random_mask(rng, context, batch, length):
    kind = rng.choice(["none", "full", "padding", "padding", "left", "holes", "empty row"])
    if kind == "none":
        return None
    mask = torch.ones(batch, length, dtype=torch.int32)
    for row in range(batch):
        shown = rng.randint(1, length)
        if kind == "padding":
            mask[row, shown:] = 0
        elif kind == "left":
            mask[row, : length - shown] = 0
        elif kind == "holes":
            mask[row] = torch.tensor([int(rng.random() < 0.6) for _ in range(length)], dtype=torch.int32)
    if kind == "empty row":
        mask[rng.randrange(batch)] = 0
    return mask


def make(rng, context):
    config = random_config(rng)
    model, folder = saved_model(QwenImageTransformer2DModel(**config), rng, context, "transformer")
    lora = add_lora(model, QwenImagePipeline, rng, context) if rng.random() < 0.4 else None
    images = random_images(rng, config["use_layer3d_rope"])
    batch, length = rng.randint(1, 3), rng.randint(1, 20)
    tokens = sum(frames * height * width for frames, height, width in images)
    text = context.randn((batch, length, config["joint_attention_dim"]))
    mask = random_mask(rng, context, batch, length)
    if mask is not None and rng.random() < 0.7:
        text = text * mask[:, :, None]
    inputs = {
        "hidden_states": context.randn((batch, tokens, config["in_channels"])),
        "encoder_hidden_states": text,
        "timestep": torch.rand(rng.choice([batch, batch, 1]), generator=context.generator),
    }
    if mask is not None:
        inputs["encoder_hidden_states_mask"] = mask
    if config["use_additional_t_cond"]:
        rows = 2 * batch if config["zero_cond_t"] else batch
        if config["zero_cond_t"]:
            inputs["timestep"] = inputs["timestep"].expand(batch).clone()
        inputs["additional_t_cond"] = torch.tensor([rng.randint(0, 1) for _ in range(rows)])
    kwargs = {"scale": rng.choice([0.5, 0.0, 2.0])} if lora is not None and rng.random() < 0.3 else None
    shapes = [[tuple(image) for image in images]] * batch
    others = {"img_shapes": shapes}
    if kwargs is not None:
        others["attention_kwargs"] = kwargs
    result, tensors = measure(model, context, inputs, ["hidden_states", "encoder_hidden_states"], others)
    return {
        "model": folder,
        "lora": lora,
        "img_shapes": [images] * batch,
        "txt_seq_len": length,
        "attention_kwargs": kwargs,
        **result,
    }, tensors
