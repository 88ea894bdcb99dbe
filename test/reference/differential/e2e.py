"""From text to picture without noise, by diffusers' own pipelines."""

import torch
from diffusers import QwenImagePipeline, StableDiffusion3Pipeline

from .prompts import random_prompts

TOLERANCE = {"atol": 2e-3, "rtol": 2e-3}


@torch.no_grad()
def make(rng, context):
    return rng.choice([qwen_image, stable_diffusion_3])(rng, context)


def generate(pipe, latents, **arguments):
    """Latents after every step, and the picture from 0 to 1."""
    pipe.set_progress_bar_config(disable=True)
    steps = []

    def keep(_pipe, _step, _time, tensors):
        steps.append(tensors["latents"].clone())
        return tensors

    image = pipe(
        latents=latents.clone(), callback_on_step_end=keep, output_type="pt", **arguments
    ).images
    return {
        "initial_latents": latents,
        "timesteps": pipe.scheduler.timesteps,
        "sigmas": pipe.scheduler.sigmas,
        "latents_after_step": torch.stack(steps),
        "image01": image,
    }


def random_request(rng):
    B = rng.randint(1, 2)
    return {
        "prompts": random_prompts(rng, B),
        "height": rng.choice([32, 64, 96]),
        "width": rng.choice([32, 48, 64]),
        "num_inference_steps": rng.randint(1, 6),
    }, random_prompts(rng, B, 3)


def qwen_image(rng, context):
    model = "models/tiny-qwen-image"
    request, negatives = random_request(rng)
    scale = rng.choice([1.0, 4.0])
    pipe = QwenImagePipeline.from_pretrained(context.path(model))
    tokens = (request["height"] // 16) * (request["width"] // 16)
    latents = context.randn((len(negatives), tokens, pipe.transformer.config.in_channels))
    tensors = generate(
        pipe,
        latents,
        prompt=request["prompts"],
        negative_prompt=negatives if scale > 1 else None,
        true_cfg_scale=scale,
        **{key: request[key] for key in ("height", "width", "num_inference_steps")},
    )
    return {
        "model": model,
        **request,
        "negative_prompts": negatives if scale > 1 else None,
        "true_cfg_scale": scale,
        "tolerance": TOLERANCE,
    }, tensors


def stable_diffusion_3(rng, context):
    model = rng.choice(["models/tiny-sd3", "models/tiny-sd35"])
    request, negatives = random_request(rng)
    request["width"] = rng.choice([32, 64])
    scale = rng.choice([1.0, 4.0, 7.0])
    length = rng.choice([16, 32, 77])
    pipe = StableDiffusion3Pipeline.from_pretrained(context.path(model))
    factor = pipe.vae_scale_factor
    shape = (len(negatives), 4, request["height"] // factor, request["width"] // factor)
    tensors = generate(
        pipe,
        context.randn(shape),
        prompt=request["prompts"],
        negative_prompt=negatives,
        guidance_scale=scale,
        max_sequence_length=length,
        **{key: request[key] for key in ("height", "width", "num_inference_steps")},
    )
    return {
        "model": model,
        **request,
        "negative_prompt": negatives,
        "guidance_scale": scale,
        "max_sequence_length": length,
        "tolerance": TOLERANCE,
    }, tensors
