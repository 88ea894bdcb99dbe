"""Random schedules: configurations of the flow-matching scheduler and calls of set_timesteps."""

import numpy as np

QWEN_IMAGE = {
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
}


def random_config(rng):
    """A configuration in diffusers' keys; defaults are left out at random."""
    if rng.random() < 0.2:
        return dict(QWEN_IMAGE)
    config = {"num_train_timesteps": rng.choice([1000, 1000, 500, 64])}
    if rng.random() < 0.7:
        config["shift"] = rng.choice([1.0, 3.0, round(rng.uniform(0.4, 6), 3)])
    if rng.random() < 0.4:
        config["use_dynamic_shifting"] = True
        if rng.random() < 0.7:
            config["time_shift_type"] = rng.choice(["exponential", "linear"])
    if rng.random() < 0.3:
        config["shift_terminal"] = round(rng.uniform(0.005, 0.3), 3)
    spacing = rng.choice([None, None, "karras", "exponential", "beta"])
    if spacing is not None:
        config[f"use_{spacing}_sigmas"] = True
    if rng.random() < 0.15:
        config["invert_sigmas"] = True
    return config


def random_call(rng, config, most=40):
    """Keyword arguments of set_timesteps."""
    count = rng.choice([1, 2, 3, rng.randint(4, most)])
    call = {}
    kind = rng.choice(["count", "count", "sigmas", "timesteps", "both"])
    if kind == "count" or rng.random() < 0.5:
        call["num_inference_steps"] = count
    if kind in ("sigmas", "both"):
        call["sigmas"] = sorted((rng.uniform(0.02, 1) for _ in range(count)), reverse=True)
        if rng.random() < 0.4:
            call["sigmas"] = [float(sigma) for sigma in np.linspace(1, 1 / count, count)]
    if kind in ("timesteps", "both"):
        largest = config["num_train_timesteps"]
        times = sorted((rng.uniform(0.02, 1) * largest for _ in range(count)), reverse=True)
        call["timesteps"] = [float(np.float32(time)) for time in times]
    if config.get("use_dynamic_shifting"):
        call["mu"] = round(rng.uniform(0.3, 1.4), 4)
    return call
