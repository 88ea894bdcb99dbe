"""Schedules as diffusers lays them out, and the shift that a picture's size gives."""

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift

from .schedules import random_call, random_config

TOLERANCE = {"atol": 2e-6, "rtol": 2e-6}


def make(rng, _context):
    return shifts(rng) if rng.random() < 0.1 else schedules(rng)


def shifts(rng):
    subcases = []
    for _ in range(20):
        numbers = {
            "image_seq_len": rng.randint(1, 9000),
            "base_seq_len": rng.randint(64, 512),
            "max_seq_len": rng.randint(1024, 8192),
            "base_shift": rng.uniform(0.2, 0.8),
            "max_shift": rng.uniform(0.8, 1.5),
        }
        subcases.append({**numbers, "mu": calculate_shift(*numbers.values())})
    return {"subcases": subcases, "tolerance": {"atol": 1e-12, "rtol": 1e-12}}, {}


def schedules(rng):
    config = random_config(rng)
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    tensors = {"init.timesteps": scheduler.timesteps, "init.sigmas": scheduler.sigmas}
    init = {
        "sigma_min": scheduler.sigma_min,
        "sigma_max": scheduler.sigma_max,
        "shift": scheduler.shift,
        "num_timesteps": len(scheduler.timesteps),
    }
    subcases = []
    for index in range(8):
        call = random_call(rng, config)
        scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
        scheduler.set_timesteps(**call)
        name = f"s{index:03d}"
        tensors[f"{name}.timesteps"] = scheduler.timesteps
        tensors[f"{name}.sigmas"] = scheduler.sigmas
        subcases.append(
            {
                "id": name,
                "set_timesteps": call,
                "num_inference_steps_after": scheduler.num_inference_steps,
                "finite": bool(torch.isfinite(scheduler.sigmas).all()),
            }
        )
    return {"config": config, "init": init, "subcases": subcases, "tolerance": TOLERANCE}, tensors
