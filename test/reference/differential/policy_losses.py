"""The policy losses of verl-omni from their formulas, in PyTorch, its batch means included.

Each takes the inputs by name and settings, and returns the loss and its metrics.
"""

import torch

DEFAULTS = {
    "clip_ratio": 1e-4,
    "adv_clip_max": 5.0,
    "kl_mask_threshold": 1e-5,
    "add_kl_coefficient": True,
    "mix_beta": 0.5,
    "ref_kl_coef": 0.0,
    "adaptive_weight_min": 1e-5,
}


def per_row(values):
    return values.flatten(1).mean(1)


def share(condition):
    return condition.float().mean()


def clipped(ratio, inputs, settings):
    """The clipped objective of each row."""
    most, c = settings["adv_clip_max"], settings["clip_ratio"]
    A = inputs["advantages"].clamp(-most, most)
    rows = torch.maximum(-A * ratio, -A * ratio.clamp(1 - c, 1 + c))
    weights = inputs.get("rollout_is_weights")
    return rows if weights is None else rows * weights


def ratio_metrics(ratio, log_ratio, c):
    higher, lower = share(ratio - 1 > c), share(1 - ratio > c)
    return {
        "actor/ppo_kl": (-log_ratio).mean(),
        "actor/pg_clipfrac": higher + lower,
        "actor/pg_clipfrac_higher": higher,
        "actor/pg_clipfrac_lower": lower,
        "actor/ratio_mean": ratio.mean(),
        "actor/ratio_std": ratio.std(),
    }


def flow_grpo(inputs, settings):
    log_ratio = inputs["log_probs"] - inputs["old_log_probs"]
    ratio = log_ratio.exp()
    loss = clipped(ratio, inputs, settings).mean()
    return loss, ratio_metrics(ratio, log_ratio, settings["clip_ratio"])


def grpo_guard(inputs, settings):
    root = inputs["sqrt_dt"].mean()
    k = root * inputs["std_dev_t"].mean()
    log_ratio = inputs["log_probs"] - inputs["old_log_probs"]
    distance = per_row((inputs["prev_sample_mean"] - inputs["old_prev_sample_mean"]) ** 2)
    ratio = ((log_ratio + distance / (2 * k**2)) * k).exp()
    loss = clipped(ratio, inputs, settings).mean() / root**2
    return loss, ratio_metrics(ratio, log_ratio, settings["clip_ratio"])


def flow_dppo(inputs, settings):
    A = inputs["advantages"]
    log_ratio = inputs["log_probs"] - inputs["old_log_probs"]
    ratio = log_ratio.exp()
    width = inputs["std_dev_t"].flatten() * inputs["sqrt_dt"]
    if not settings["add_kl_coefficient"]:
        width = torch.ones_like(width)
    distance = (inputs["prev_sample_mean"] - inputs["old_prev_sample_mean"]).detach() ** 2
    kl = per_row(distance) / (2 * width**2)
    outside = kl >= settings["kl_mask_threshold"]
    higher = outside & (ratio.detach() > 1) & (A > 0)
    lower = outside & (ratio.detach() < 1) & (A < 0)
    keep = (~(higher | lower)).float()
    rows = keep * -A * ratio
    weights = inputs.get("rollout_is_weights")
    loss = (rows if weights is None else rows * weights).mean()
    return loss, {
        "actor/ppo_kl": (-log_ratio).mean(),
        "actor/approx_kl": 0.5 * (log_ratio**2).mean(),
        "actor/ratio_mean": ratio.mean(),
        "actor/ratio_std": ratio.std(correction=0),
        "actor/ratio_min": ratio.min(),
        "actor/ratio_max": ratio.max(),
        "actor/kl_new_old_mean": kl.mean(),
        "actor/kl_new_old_max": kl.max(),
        "actor/kl_mask_fraction": share(outside),
        "actor/pos_rm_fraction": share(higher),
        "actor/neg_rm_fraction": share(lower),
        "actor/masked_fraction": share(higher | lower),
        "actor/unmasked_fraction": keep.mean(),
    }


def step_kl(other, metric):
    def loss(inputs, _settings):
        distance = per_row((inputs["prev_sample_mean"] - inputs[other]) ** 2)
        value = (distance / (2 * inputs["std_dev_t"].flatten() ** 2)).mean()
        return value, {metric: value}

    return loss


def distill_fm_mse(inputs, _settings):
    value = ((inputs["noise_pred"] - inputs["teacher_noise_pred"]) ** 2).mean()
    return value, {"actor/distill_fm_mse_loss": value}


def diffusion_nft(inputs, settings):
    beta, M = settings["mix_beta"], settings["adv_clip_max"]
    x0, xt, tau, p = (inputs[name] for name in ("x0", "xt", "t_expanded", "reward_prob"))
    v, old = inputs["forward_prediction"], inputs["old_prediction"].detach()

    def error(velocity):
        difference = xt - tau * velocity - x0
        weight = per_row(difference.detach().double().abs()).clamp(min=settings["adaptive_weight_min"])
        return per_row(difference**2) / weight.float()

    positive = error(beta * v + (1 - beta) * old)
    negative = error((1 + beta) * old - beta * v)
    policy = (M * (p * positive + (1 - p) * negative) / beta).mean()
    reference = inputs.get("ref_forward_prediction")
    distance = ((v - reference) ** 2).mean() if reference is not None else torch.tensor(0.0)
    loss = policy + settings["ref_kl_coef"] * distance
    return loss, {
        "actor/policy_loss": policy,
        "actor/positive_loss": positive.mean(),
        "actor/negative_loss": negative.mean(),
        "actor/ref_kl_loss": distance,
        "actor/old_deviate": ((v - old) ** 2).mean(),
        "actor/reward_prob_mean": p.mean(),
        "actor/total_loss": loss,
    }


LOSSES = {
    "flow_grpo": flow_grpo,
    "dance_grpo": flow_grpo,
    "grpo_guard": grpo_guard,
    "flow_dppo": flow_dppo,
    "kl": step_kl("ref_prev_sample_mean", "actor/kl_loss"),
    "distill_kl": step_kl("teacher_prev_sample_mean", "actor/distill_kl_loss"),
    "distill_fm_mse": distill_fm_mse,
    "diffusion_nft": diffusion_nft,
}


def compute(name, inputs, settings):
    return LOSSES[name](inputs, {**DEFAULTS, **settings})


def numbers(metrics):
    return {name: value.item() for name, value in metrics.items()}
