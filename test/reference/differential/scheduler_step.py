"""Reverse steps: single ones, loops, diffusers' own Euler step, noising, and duplicate times."""

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from .schedules import random_call, random_config
from .sde import SDEScheduler

KINDS = ["sde", "cps", "dance_sde"]


def falling(rng, scheduler_class=SDEScheduler):
    """A scheduler whose sigmas fall, with its configuration and call."""
    while True:
        config = {**random_config(rng), "invert_sigmas": False}
        call = random_call(rng, config, most=20)
        scheduler = scheduler_class.from_config(config)
        scheduler.set_timesteps(**call)
        sigmas = scheduler.sigmas
        times = scheduler.timesteps
        if torch.isfinite(sigmas).all() and (sigmas.diff() < -1e-4).all() and sigmas[0] <= 1:
            if len(times.unique()) == len(times):
                return scheduler, {"config": config, "set_timesteps": call}


def random_shape(rng, B):
    return rng.choice([(B, 4, 4), (B, rng.randint(1, 9), rng.randint(1, 6)), (B, 3, 4, 5)])


def make(rng, context):
    kind = rng.choice([single_steps] * 4 + [loop] * 3 + [euler, noising, duplicates])
    return kind(rng, context)


def single_steps(rng, context):
    scheduler, description = falling(rng)
    N = len(scheduler.timesteps)
    B = rng.randint(1, 4)
    shape = random_shape(rng, B)
    tensors = {name: context.randn(shape) for name in ("sample", "model_output", "noise")}
    tensors["given_prev_sample"] = tensors["sample"] + 0.1 * context.randn(shape)
    subcases = []
    for index in range(16):
        name = f"c{index:03d}"
        kind = rng.choice(KINDS)
        eta = rng.choice([0.0, 0.3, 0.7, 1.0, 1.2])
        given = rng.random() < 0.5
        by_row = rng.random() < 0.4
        place = rng.randrange(N)
        sub = {
            "id": name,
            "call": "sample_previous_step",
            "step_index": None if by_row else place,
            "timestep": None,
            "sde_type": kind,
            "noise_level": eta,
            "prev_sample": "given_prev_sample" if given else None,
            "include_logprob_normalizer": rng.random() < 0.5,
            "return_sqrt_dt": True,
        }
        if by_row:
            place = [rng.randrange(N) for _ in range(B)]
            sub["timestep"] = f"{name}.timestep"
            tensors[sub["timestep"]] = scheduler.timesteps[place]
        level = eta
        if rng.random() < 0.3:
            level = torch.tensor([rng.choice([0.0, 0.5, 0.9]) for _ in range(B)])
            sub["noise_level"] = f"{name}.noise_level"
            level = level.reshape(B, *[1] * (len(shape) - 1))
            tensors[sub["noise_level"]] = level

        def run(dtype):
            return scheduler.reverse(
                tensors["sample"],
                tensors["model_output"],
                place,
                level,
                kind,
                dtype,
                noise=tensors["noise"],
                given=tensors["given_prev_sample"] if given else None,
                normalise=sub["include_logprob_normalizer"],
            )

        names = ("prev_sample", "log_prob", "prev_sample_mean", "std_dev_t", "sqrt_dt")
        single, double = run(torch.float32), run(torch.float64)
        for key, value in zip(names, single):
            tensors[f"{name}.{key}"] = value
        sub["float32_noise"] = {
            key: torch.nan_to_num((a.double() - b).abs(), 0, 0, 0).max().item()
            for key, a, b in zip(names, single, double)
        }
        subcases.append(sub)
    return {**description, "subcases": subcases, "tolerance": {"atol": 2e-6, "rtol": 2e-5}}, tensors


def loop(rng, context):
    scheduler, description = falling(rng)
    N = len(scheduler.timesteps)
    start = rng.randrange(N) if rng.random() < 0.3 else 0
    begin = None if rng.random() < 0.4 else start
    kind = rng.choice(KINDS)
    eta = rng.choice([0.3, 0.7, 1.0])
    first = rng.randrange(N)
    end = rng.randint(first, N)
    levels = [eta if first <= step < end else 0.0 for step in range(start, N)]
    shape = random_shape(rng, rng.randint(1, 3))
    outputs = [context.randn(shape) for _ in levels]
    draws = [context.randn(shape) for _ in levels]
    x = sample_init = context.randn(shape)
    normalise = rng.random() < 0.5
    steps = []
    for j, level in enumerate(levels):
        step = scheduler.reverse(
            x, outputs[j], start + j, level, kind, noise=draws[j], normalise=normalise
        )
        steps.append(step)
        x = step[0]
    tensors = {
        "timesteps": scheduler.timesteps,
        "sigmas": scheduler.sigmas,
        "sample_init": sample_init,
        "model_output": torch.stack(outputs),
        "noise": torch.stack(draws),
    }
    for at, key in enumerate(("prev_sample", "log_prob", "prev_sample_mean", "std_dev_t")):
        tensors[key] = torch.stack([step[at] for step in steps])
    return {
        **description,
        "call": "step",
        "begin_index": begin,
        "start": start,
        "sde_type": kind,
        "noise_levels": levels,
        "include_logprob_normalizer": normalise,
        "final_step_index": N,
        "tolerance": {"atol": 1e-5, "rtol": 1e-5},
    }, tensors


def euler(rng, context):
    scheduler, description = falling(rng, FlowMatchEulerDiscreteScheduler)
    stochastic = rng.random() < 0.5
    description["config"] = {**description["config"], "stochastic_sampling": stochastic}
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(description["config"])
    scheduler.set_timesteps(**description["set_timesteps"])
    shape = random_shape(rng, 2)
    outputs = [context.randn(shape) for _ in scheduler.timesteps]
    tensors = {"sample_init": context.randn(shape), "model_output": torch.stack(outputs)}
    # The scheduler draws from the global stream.
    seed = rng.randrange(2**31)
    if stochastic:
        torch.manual_seed(seed)
        tensors["noise"] = torch.stack([torch.randn(shape) for _ in outputs])
    torch.manual_seed(seed)
    x, samples = tensors["sample_init"], []
    for v, t in zip(outputs, scheduler.timesteps):
        x = scheduler.step(v, t, x, return_dict=False)[0]
        samples.append(x)
    tensors["prev_sample"] = torch.stack(samples)
    return {
        **description,
        "case_prefix": "ode",
        "call": "stock Euler step (not the SDE subclass)",
        "tolerance": {"atol": 1e-5, "rtol": 1e-5},
    }, tensors


def noising(rng, context):
    scheduler, description = falling(rng, FlowMatchEulerDiscreteScheduler)
    B = rng.randint(1, 4)
    places = [rng.randrange(len(scheduler.timesteps)) for _ in range(B)]
    shape = random_shape(rng, B)
    tensors = {
        "sample": context.randn(shape),
        "noise": context.randn(shape),
        "timestep": scheduler.timesteps[places],
    }
    tensors["expected"] = scheduler.scale_noise(
        tensors["sample"], tensors["timestep"], tensors["noise"]
    )
    return {
        **description,
        "timestep_indices": places,
        "call": "scale_noise(sample, timestep, noise)",
        "tolerance": {"atol": 1e-6, "rtol": 1e-6},
    }, tensors


def duplicates(rng, _context):
    sigmas = sorted((rng.choice([1.0, 0.75, 0.5, 0.25]) for _ in range(rng.randint(2, 7))), reverse=True)
    config = {"num_train_timesteps": 1000}
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    scheduler.set_timesteps(sigmas=sigmas)
    indices = [scheduler.index_for_timestep(t) for t in scheduler.timesteps]
    return {
        "config": config,
        "set_timesteps": {"sigmas": sigmas},
        "call": "index_for_timestep(t) for every t in timesteps",
        "expected_indices": indices,
    }, {"timesteps": scheduler.timesteps, "sigmas": scheduler.sigmas}
