"""Consecutive draws of PyTorch's generator."""

import torch


def make(rng, context):
    subcases, tensors = [], {}
    for seed in {rng.randrange(2**rng.choice([8, 31, 32, 40, 53])) for _ in range(rng.randint(1, 3))}:
        generator = torch.Generator().manual_seed(seed)
        for draw in range(rng.randint(1, 7)):
            kind = rng.random()
            if kind < 0.4:
                shape = [rng.randint(1, 15)]
            elif kind < 0.7:
                shape = [rng.randint(16, 700)]
            else:
                shape = [rng.randint(1, 9) for _ in range(rng.randint(0, 4))]
            name = f"s{seed}_d{draw}"
            subcases.append({"id": name, "seed": seed, "draw": draw, "shape": shape})
            tensors[name] = torch.randn(shape, generator=generator)
    return {"subcases": subcases, "tolerance": {"atol": 2e-6, "rtol": 1e-5}}, tensors
