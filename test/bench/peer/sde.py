"""Guidance, and one step of FlowGRPO's sampler."""

import math

import torch

ETA = 0.7


def guide(positive, negative, scale):
    combined = negative + scale * (positive - negative)
    length = positive.norm(dim=-1, keepdim=True)
    return combined * (length / combined.norm(dim=-1, keepdim=True))


def sde_step(x, v, sigma, sigma_next, second, eta, noise=None, given=None):
    """One step of FlowGRPO's sampler: the next sample and its log-probability."""
    dt = sigma_next - sigma
    std = eta * torch.sqrt(sigma / (1 - torch.where(sigma == 1, second, sigma)))
    mean = x * (1 + std**2 / (2 * sigma) * dt) + v * (1 + std**2 * (1 - sigma) / (2 * sigma)) * dt
    width = std * torch.sqrt(-dt)
    x_next = mean + width * noise if given is None else given
    log_prob = -((x_next - mean) ** 2) / (2 * width**2) - torch.log(width) - 0.5 * math.log(2 * math.pi)
    return x_next, log_prob.flatten(1).mean(1)
