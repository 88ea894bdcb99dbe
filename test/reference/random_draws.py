"""Random numbers of a torch.Generator, as digests of their bytes."""

import hashlib

import torch


def digests(seed, draws):
    """One digest a draw, all from one generator. Seeds are text, as JSON has no integers of 64 bits."""
    generator = torch.Generator(device="cpu").manual_seed(int(seed))
    return [hashlib.sha256(_draw(generator, *draw).numpy().tobytes()).hexdigest() for draw in draws]


def refusal(seed):
    """What PyTorch says of a seed."""
    try:
        torch.Generator(device="cpu").manual_seed(int(seed))
    except (ValueError, RuntimeError) as error:
        return type(error).__name__
    return None


def _draw(generator, kind, *arguments):
    if kind == "randn":
        return torch.randn(arguments[0], generator=generator)
    if kind == "rand":
        return torch.rand(arguments[0], generator=generator)
    if kind == "randperm":
        return torch.randperm(arguments[0], generator=generator)
    low, high = arguments
    return torch.randint(low, high, (1,), generator=generator)
