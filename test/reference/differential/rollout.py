"""Whole rollouts of Qwen-Image with log-probabilities, and their replay as training does it."""

import torch

from .prompts import random_prompts
from .qwen_rollout import Rollout

MODEL = "models/tiny-qwen-image"
LORAS = [None, "models/tiny-qwen-image-lora-r4-alpha8", "models/tiny-qwen-image-lora-r2-alpha2-qv"]
NOTES = {"atol": 2e-3, "rtol": 2e-3}


def random_settings(rng):
    kind = rng.choice(["sde", "sde", "cps", "dance_sde"])
    return {
        "height": rng.choice([32, 48, 64, 96]),
        "width": rng.choice([32, 64, 80]),
        "num_inference_steps": rng.randint(3, 8),
        "true_cfg_scale": rng.choice([1.0, 1.0, 4.0, 2.5]),
        "noise_level": rng.choice([0.3, 0.7, 1.0]),
        "sde_type": kind,
    }


def random_windows(rng, steps, B):
    """One window, or one a row, and the form in which a case states them."""
    size = rng.randint(1, min(3, steps))
    starts = [rng.randint(0, steps - size) for _ in range(B)]
    if rng.random() < 0.6:
        starts = starts[:1] * B
        return [(start, start + size) for start in starts], [starts[0], starts[0] + size]
    windows = [(start, start + size) for start in starts]
    return windows, [list(window) for window in windows]


def roll_out(rng, context, settings, lora, least=1):
    """A rollout with random prompts and draws: its Rollout, description and tensors."""
    rollout = Rollout(context.path(MODEL), context.path(lora) if lora else None, **settings)
    B = rng.randint(least, 3)
    prompts = random_prompts(rng, B)
    negatives = random_prompts(rng, B, 3) if settings["true_cfg_scale"] > 1 else None
    windows, stated = random_windows(rng, settings["num_inference_steps"], B)
    S, C = rollout.rows * rollout.columns, rollout.transformer.config.in_channels
    tensors = {
        "initial_latents": context.randn((B, S, C)),
        "noise": context.randn((settings["num_inference_steps"], B, S, C)),
        "timesteps": rollout.scheduler.timesteps,
        "sigmas": rollout.scheduler.sigmas,
    }
    tensors["prompt_token_ids"], tensors["prompt_mask"] = rollout.tokens(prompts)
    positive, negative = rollout.embed(prompts), None
    tensors["prompt_embeds"], tensors["prompt_embeds_mask"] = positive
    if negatives is not None:
        tensors["negative_prompt_ids"], tensors["negative_prompt_mask"] = rollout.tokens(negatives)
        negative = rollout.embed(negatives)
        tensors["negative_prompt_embeds"], tensors["negative_prompt_embeds_mask"] = negative
    fields, final = rollout.run(
        tensors["initial_latents"], tensors["noise"], windows, positive, negative
    )
    tensors.update(fields)
    description = {
        "model": MODEL,
        "lora": lora,
        "prompts": prompts,
        "negative_prompts": negatives,
        **settings,
        "sde_windows": stated,
    }
    return rollout, description, tensors, (positive, negative, final)


@torch.no_grad()
def make(rng, context):
    settings = random_settings(rng)
    rollout, description, tensors, (positive, negative, final) = roll_out(
        rng, context, settings, rng.choice(LORAS)
    )
    tensors["image"] = rollout.decode(final)
    W = tensors["all_timesteps"].shape[1]
    steps = [
        rollout.replay(tensors["all_latents"], tensors["all_timesteps"], step, positive, negative)
        for step in range(W)
    ]
    names = ("log_prob", "prev_sample_mean", "std_dev_t", "sqrt_dt")
    for at, name in enumerate(names):
        tensors[f"recomputed.{name}"] = torch.stack([step[at] for step in steps], 1)
    return {**description, "tolerance": NOTES}, tensors
