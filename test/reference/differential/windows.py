"""MixGRPO's windows, by Python's own random numbers."""

import random


def place(arguments):
    """The window that a rollout's arguments lead to; a ValueError when it does not fit."""
    strategy = arguments.get("sample_strategy") or "random"
    size = arguments.get("sde_window_size")
    unchanged = arguments.get("sde_window_range")
    step = arguments.get("global_steps") or 0
    first, end = unchanged or (0, 5)
    if size is None:
        return unchanged
    if strategy == "random" and arguments.get("sde_window_seed") is None:
        return unchanged
    if end - size < first:
        raise ValueError("the window does not fit")
    if strategy == "random":
        start = random.Random(arguments["sde_window_seed"] + step).randint(first, end - size)
    else:
        moves = max(0, step) // max(1, arguments.get("iters_per_group") or 1)
        start = min(first + moves * size, end - size)
    return [start, start + size]


def make(rng, _context):
    subcases = []
    for _ in range(30):
        arguments = {
            "sample_strategy": rng.choice(["random", "progressive"]),
            "sde_window_size": rng.choice([1, 2, 3, 4, None]),
            "global_steps": rng.choice([0, 1, rng.randint(2, 500)]),
        }
        if rng.random() < 0.7:
            first = rng.randint(0, 6)
            arguments["sde_window_range"] = [first, first + rng.randint(1, 20)]
        if rng.random() < 0.7:
            arguments["iters_per_group"] = rng.choice([1, 3, 25])
        if rng.random() < 0.8:
            arguments["sde_window_seed"] = rng.choice([0, 42, rng.randint(1, 2**40), None])
        try:
            sub = {"sde_window_range_after": place(arguments), "error": None}
        except ValueError as error:
            sub = {"sde_window_range_after": None, "error": str(error)}
        subcases.append({"extra_args": arguments, **sub})
    return {"subcases": subcases, "tolerance": "exact"}, {}
