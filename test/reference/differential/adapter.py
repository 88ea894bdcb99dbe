"""What Qwen-Image's training adapter builds: the schedule, a step's inputs, and true guidance."""

import json

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift

MODEL = "models/tiny-qwen-image"
TOLERANCE = {"atol": 2e-6, "rtol": 1e-5}
KEYS = [
    "encoder_hidden_states",
    "encoder_hidden_states_mask",
    "guidance",
    "hidden_states",
    "img_shapes",
    "return_dict",
    "timestep",
]


def token_grid(height, width):
    return height // 8 // 2, width // 8 // 2


def qwen_schedule(folder, height, width, steps, scheduler_class=FlowMatchEulerDiscreteScheduler):
    """The scheduler of a model directory, laid out for a picture."""
    with open(f"{folder}/scheduler/scheduler_config.json") as file:
        config = json.load(file)
    scheduler = scheduler_class.from_config(config)
    rows, columns = token_grid(height, width)
    mu = calculate_shift(
        rows * columns,
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    return scheduler


def guide(positive, negative, scale):
    """True classifier-free guidance: combined, then brought to the length that the positive one has."""
    combined = negative + scale * (positive - negative)
    length = positive.norm(dim=-1, keepdim=True)
    return combined * (length / combined.norm(dim=-1, keepdim=True))


def random_size(rng):
    return rng.choice([32, 64, 96, 80, 512]), rng.choice([32, 48, 64, 160])


def make(rng, context):
    return schedules(rng, context) if rng.random() < 0.3 else inputs(rng, context)


def schedules(rng, context):
    subcases, tensors = [], {}
    for number in range(4):
        height, width = random_size(rng)
        steps = rng.choice([1, 2, 10, 28, 50]) if number else 10
        scheduler = qwen_schedule(context.path(MODEL), height, width, steps)
        tensors[f"s{number}.timesteps"] = scheduler.timesteps
        tensors[f"s{number}.sigmas"] = scheduler.sigmas
        size = {"height": height, "width": width, "num_inference_steps": steps}
        subcases.append({"id": f"s{number}", "model": MODEL, **size})
    return {"subcases": subcases, "tolerance": TOLERANCE}, tensors


def inputs(rng, context):
    height, width = random_size(rng)
    steps = rng.randint(2, 20)
    rows, columns = token_grid(height, width)
    B, W, C, D = rng.randint(1, 3), rng.randint(1, 4), 16, 32
    L, negative_L = rng.randint(1, 9), rng.randint(1, 9)
    scheduler = qwen_schedule(context.path(MODEL), height, width, steps)
    places = torch.tensor([[rng.randrange(steps) for _ in range(W)] for _ in range(B)])
    tensors = {
        "timesteps": scheduler.timesteps,
        "sigmas": scheduler.sigmas,
        "all_latents": context.randn((B, W + 1, rows * columns, C)),
        "all_timesteps": scheduler.timesteps[places],
        "prompt_embeds": context.randn((B, L, D)),
        "prompt_embeds_mask": torch.ones(B, L, dtype=torch.int32),
        "negative_prompt_embeds": context.randn((B, negative_L, D)),
        "negative_prompt_embeds_mask": torch.ones(B, negative_L, dtype=torch.int32),
        "cfg_pos": context.randn((B, 5, C)),
        "cfg_neg": context.randn((B, 5, C)),
    }
    for scale in (1.5, 4.0, 7.25):
        tensors[f"cfg_out.{scale}"] = guide(tensors["cfg_pos"], tensors["cfg_neg"], scale)
    subcases = []
    for step in range(W):
        for side in ("positive", "negative"):
            tensors[f"k{step}.{side}.hidden_states"] = tensors["all_latents"][:, step]
            tensors[f"k{step}.{side}.timestep"] = tensors["all_timesteps"][:, step] / 1000
        subcases.append(
            {
                "step": step,
                "positive_keys": KEYS,
                "img_shapes": [[[1, rows, columns]]] * B,
                "guidance": None,
                "return_dict": False,
            }
        )
    return {
        "model": MODEL,
        "height": height,
        "width": width,
        "num_inference_steps": steps,
        "vae_scale_factor": 8,
        "subcases": subcases,
        "tolerance": TOLERANCE,
    }, tensors
