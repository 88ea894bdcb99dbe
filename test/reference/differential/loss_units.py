"""Losses on random tensors: values, metrics, and gradients."""

import torch

from .advantages import group_advantages
from .policy_losses import compute, numbers

TOLERANCE = {"atol": 1e-5, "rtol": 1e-4}
#: Inputs that each loss has a gradient by.
DIFFERENTIABLE = {
    "flow_grpo": ["log_probs"],
    "dance_grpo": ["log_probs"],
    "grpo_guard": ["log_probs", "prev_sample_mean"],
    "flow_dppo": ["log_probs"],
    "kl": ["prev_sample_mean"],
    "distill_kl": ["prev_sample_mean"],
    "distill_fm_mse": ["noise_pred"],
    "diffusion_nft": ["forward_prediction"],
}


def make(rng, context):
    return nft(rng, context) if rng.random() < 0.3 else policy(rng, context)


def subcase(number, name, settings, inputs):
    """The loss, its metrics and gradients, with tensors under the subcase's name."""
    identifier = f"l{number:02d}"
    names = DIFFERENTIABLE[name]
    leaves = {key: inputs[key].clone().requires_grad_() for key in names}
    loss, metrics = compute(name, {**inputs, **leaves}, settings)
    loss.backward()
    tensors = {f"{identifier}.loss": loss}
    for key, leaf in leaves.items():
        tensors[f"{identifier}.grad.{key}"] = leaf.grad
    sub = {"id": identifier, "loss_mode": name, "config": settings, "metrics": numbers(metrics)}
    return sub, tensors


def policy(rng, context):
    B = rng.randint(1, 7)
    shape = rng.choice([(B, 5, 4), (B, 3, 2, 2), (B, 1, 6)])
    spread = rng.choice([1e-4, 1e-2, 0.3])
    mean = context.randn(shape)
    inputs = {
        "old_log_probs": -1 + 0.3 * context.randn((B,)),
        "advantages": 3 * context.randn((B,)),
        "prev_sample_mean": mean,
        "old_prev_sample_mean": mean + spread * context.randn(shape),
        "ref_prev_sample_mean": mean + 0.1 * context.randn(shape),
        "teacher_prev_sample_mean": mean + 0.1 * context.randn(shape),
        "std_dev_t": 0.2 + context.randn((B,)).abs().reshape(B, *[1] * (len(shape) - 1)),
        "sqrt_dt": 0.2 + 0.1 * context.randn((B,)).abs(),
        "noise_pred": context.randn(shape),
        "teacher_noise_pred": context.randn(shape),
    }
    inputs["log_probs"] = inputs["old_log_probs"] + spread * context.randn((B,))
    weights = context.randn((B,)).abs().clamp(max=2)
    subcases, tensors = [], {**inputs, "rollout_is_weights": weights}
    for number in range(8):
        name = rng.choice([one for one in DIFFERENTIABLE if one != "diffusion_nft"])
        settings = {}
        if rng.random() < 0.7:
            settings["clip_ratio"] = rng.choice([1e-5, 0.01, 0.2])
        if rng.random() < 0.3:
            settings["adv_clip_max"] = rng.choice([0.5, 2.0])
        if name == "flow_dppo" and rng.random() < 0.6:
            settings["add_kl_coefficient"] = rng.random() < 0.5
            settings["kl_mask_threshold"] = rng.choice([1e-7, 1e-3, 0.5])
        weighted = rng.random() < 0.5
        used = {**inputs, "rollout_is_weights": weights} if weighted else inputs
        sub, made = subcase(number, name, settings, used)
        subcases.append({**sub, "uses_rollout_is_weights": weighted})
        tensors.update(made)
    return {"subcases": subcases, "tolerance": TOLERANCE}, tensors


def probability(advantages, mode, M):
    A = advantages.clamp(-M, M)
    taken = {
        "continuous": A,
        "positive_only": A.clamp(min=0),
        "negative_only": A.clamp(max=0),
        "one_only": (A > 0).float(),
        "binary": A.sign(),
    }[mode]
    return (taken / (2 * M) + 0.5).clamp(0, 1)


def nft(rng, context):
    B = rng.randint(1, 5)
    shape = rng.choice([(B, 6, 4), (B, 2, 3, 4)])
    ones = [1] * (len(shape) - 1)
    v = context.randn(shape)
    inputs = {
        "x0": context.randn(shape),
        "xt": context.randn(shape),
        "t_expanded": torch.tensor([rng.uniform(0.02, 1) for _ in range(B)]).reshape(B, *ones),
        "forward_prediction": v,
        "old_prediction": v + rng.choice([0.0, 0.3]) * context.randn(shape),
        "ref_forward_prediction": v + 0.3 * context.randn(shape),
        "reward_prob": torch.tensor([rng.random() for _ in range(B)]),
    }
    subcases, tensors = [], dict(inputs)
    for number in range(3):
        settings = {}
        if rng.random() < 0.7:
            settings["mix_beta"] = rng.choice([0.1, 0.3, 1.0])
        if rng.random() < 0.5:
            settings["adv_clip_max"] = rng.choice([1.0, 2.0])
        if rng.random() < 0.5:
            settings["ref_kl_coef"] = rng.choice([1e-4, 0.1])
        sub, made = subcase(number, "diffusion_nft", settings, inputs)
        subcases.append(sub)
        tensors.update(made)
    M = 5.0
    tensors["adv"] = 6 * context.randn((9,))
    for mode in ("continuous", "positive_only", "negative_only", "one_only", "binary"):
        tensors[f"reward_prob.{mode}"] = probability(tensors["adv"], mode, M)
    uid = [f"g{rng.randrange(3)}" for _ in range(7)]
    tensors["rewards"] = context.randn((7,))
    for normalise in (0, 1):
        for everywhere in (0, 1):
            advantages = group_advantages(tensors["rewards"][:, None], uid, normalise, everywhere)
            tensors[f"group_adv.norm{normalise}.global{everywhere}"] = advantages[:, 0]
    return {
        "loss_mode": "diffusion_nft",
        "subcases": subcases,
        "uid": uid,
        "defaults": {"adv_clip_max": M},
        "tolerance": TOLERANCE,
    }, tensors
