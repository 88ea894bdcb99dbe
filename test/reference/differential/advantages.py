"""Group advantages: (R - mean of the group) / (std + 1e-4), with unbiased deviations."""

import torch

EPSILON = 1e-4


def group_advantages(rewards, index, normalise, everywhere):
    """rewards (B, T); the rows of a group share its mean and, unless `everywhere`, its deviation."""
    result = torch.empty_like(rewards)
    for name in set(index):
        rows = [row for row, one in enumerate(index) if one == name]
        group = rewards[rows]
        if len(rows) == 1:
            mean, std = group.mean(), torch.tensor(1.0)
        else:
            mean, std = group.mean(), group.std()
        if everywhere:
            std = rewards.std()
        result[rows] = (group - mean) / (std + EPSILON) if normalise else group - mean
    return result


def make(rng, context):
    subcases, tensors = [], {}
    for number in range(4):
        name = f"a{number}"
        B, width = rng.randint(2, 12), rng.choice([1, 1, 2, 5])
        groups = rng.randint(1, B)
        index = [f"g{rng.randrange(groups)}" for _ in range(B)]
        rewards = context.randn((B, 1))
        if rng.random() < 0.2:
            rewards = torch.full((B, 1), 0.5)
        tensors[f"{name}.rewards"] = rewards = rewards.expand(B, width).contiguous()
        subcases.append({"id": name, "index": index, "width": width})
        for normalise in (0, 1):
            for everywhere in (0, 1):
                tensors[f"{name}.norm{normalise}.global{everywhere}"] = group_advantages(
                    rewards, index, normalise, everywhere
                )
    description = {"subcases": subcases, "epsilon": EPSILON}
    return {**description, "tolerance": {"atol": 2e-6, "rtol": 2e-5}}, tensors
