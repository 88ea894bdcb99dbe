"""The reverse steps of FlowGRPO, CPS and DanceGRPO, from their formulas, on diffusers' flow-matching scheduler.

s is the reported standard deviation, h = -dt, sigma' the next noise level:

  sde        s = eta sqrt(sigma / (1 - sigma)), with the schedule's second sigma below the line where sigma is 1
             mean = x (1 + s^2 dt / (2 sigma)) + v (1 + s^2 (1 - sigma) / (2 sigma)) dt;   x' = mean + s sqrt(h) noise
  cps        s = sigma' sin(eta pi / 2)
             mean = (1 - sigma') (x - sigma v) + sqrt(sigma'^2 - s^2) (x + (1 - sigma) v); x' = mean + s noise
  dance_sde  s = eta sqrt(h)
             mean = x + v dt - eta^2 q dt / 2,  q = -(x - (1 - sigma) (x - sigma v)) / sigma^2;  x' = mean + s noise
"""

import math

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

LN_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


def _tensor(value, like):
    return torch.as_tensor(value, dtype=like.dtype)


def _wide(value, like):
    """A number stays one; one number a row (B) becomes (B, 1, ..., 1)."""
    value = _tensor(value, like)
    return value if value.ndim == 0 else value.reshape(-1, *[1] * (like.ndim - 1))


def reverse_step(
    x, v, sigma, sigma_next, sigma_second, eta, kind, noise=None, given=None, normalise=True
):
    """One step in the dtype of x. Sigmas and eta are numbers or (B).

    Returns prev_sample, log_prob (B), mean, std, sqrt_dt (B).
    """
    sigma, sigma_next, eta = (_wide(value, x) for value in (sigma, sigma_next, eta))
    dt = sigma_next - sigma
    root = torch.sqrt(-dt)
    if kind == "sde":
        below = 1 - torch.where(sigma == 1, _tensor(sigma_second, x), sigma)
        std = torch.sqrt(sigma / below) * eta
        mean = x * (1 + std**2 / (2 * sigma) * dt) + v * (1 + std**2 * (1 - sigma) / (2 * sigma)) * dt
        width = std * root
    elif kind == "cps":
        std = sigma_next * torch.sin(eta * math.pi / 2)
        clean, noisy = x - sigma * v, x + v * (1 - sigma)
        mean = clean * (1 - sigma_next) + noisy * torch.sqrt(sigma_next**2 - std**2)
        width = std
    elif kind == "dance_sde":
        std = eta * root
        score = -(x - (x - sigma * v) * (1 - sigma)) / sigma**2
        mean = x + v * dt - 0.5 * eta**2 * score * dt
        width = std
    else:
        raise ValueError(f"no transition {kind}")
    prev = mean + width * noise if given is None else given
    squares = (prev - mean) ** 2
    if kind == "cps":
        log_prob = -squares
    else:
        log_prob = -squares / (2 * width**2)
        if normalise:
            log_prob = log_prob - torch.log(width) - LN_ROOT_TWO_PI
    log_prob = log_prob.mean(dim=tuple(range(1, x.ndim)))
    return prev, log_prob, mean, std, root.reshape(-1).expand(x.shape[0])


class SDEScheduler(FlowMatchEulerDiscreteScheduler):
    """diffusers' scheduler with the steps above."""

    def reverse(self, x, v, place, eta, kind, dtype=torch.float32, **rest):
        """The step at `place`, an index or one index a row."""
        sigmas = self.sigmas.to(dtype)
        place = torch.as_tensor(place)
        cast = {
            name: value.to(dtype) if torch.is_tensor(value) and value.is_floating_point() else value
            for name, value in rest.items()
        }
        eta = eta.to(dtype) if torch.is_tensor(eta) else eta
        return reverse_step(
            x.to(dtype), v.to(dtype), sigmas[place], sigmas[place + 1], sigmas[1], eta, kind, **cast
        )
