"""One step of a sampler."""

import math

import torch

from job import Job
from sde import ETA, sde_step


class SchedulerStep(Job):
    kind = "sde"

    def __init__(self, _folder, tensors):
        self.tensors = tensors

    @torch.no_grad()
    def run(self):
        tensors = self.tensors
        x, v, given = tensors["latents"], tensors["velocity"], tensors["next_latents"]
        sigma, sigma_next, second = tensors["sigmas"]
        dt = sigma_next - sigma
        if self.kind == "sde":
            return sde_step(x, v, sigma, sigma_next, second, ETA, given=given)[1]
        if self.kind == "cps":
            std = sigma_next * math.sin(ETA * math.pi / 2)
            clean, noisy = x - sigma * v, x + v * (1 - sigma)
            mean = clean * (1 - sigma_next) + noisy * torch.sqrt(sigma_next**2 - std**2)
            return (-((given - mean) ** 2)).flatten(1).mean(1)
        std = ETA * torch.sqrt(-dt)
        score = -(x - (x - sigma * v) * (1 - sigma)) / sigma**2
        mean = x + v * dt - 0.5 * ETA**2 * score * dt
        log_prob = -((given - mean) ** 2) / (2 * std**2) - torch.log(std) - 0.5 * math.log(2 * math.pi)
        return log_prob.flatten(1).mean(1)


class SchedulerCps(SchedulerStep):
    kind = "cps"


class SchedulerDance(SchedulerStep):
    kind = "dance_sde"


class SchedulerNoise(Job):
    """The sde step with its noise drawn; the check compares log-probabilities, which differ little between draws."""

    def __init__(self, _folder, tensors):
        self.tensors = tensors

    @torch.no_grad()
    def run(self):
        tensors = self.tensors
        sigma, sigma_next, second = tensors["sigmas"]
        x = tensors["latents"]
        noise = torch.randn_like(x)
        _, log_prob = sde_step(x, tensors["velocity"], sigma, sigma_next, second, ETA, noise=noise)
        return {"log_prob": log_prob}
