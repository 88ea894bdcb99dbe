"""Training of adapters on a rollout: losses, metrics, gradients, and adapters after one and three updates."""

import torch

from .advantages import group_advantages
from .policy_losses import compute, numbers
from .rollout import LORAS, random_settings, roll_out
from .updates import three_updates

def random_parts(rng, B):
    """Rows in micro-batches of equal size."""
    rows = list(range(B))
    size = rng.choice([size for size in range(1, B + 1) if B % size == 0])
    return [rows[start : start + size] for start in range(0, B, size)]


def random_objective(rng, kind):
    mode = "dance_grpo" if kind == "dance_sde" else "flow_grpo"
    if kind == "sde":
        mode = rng.choice(["flow_grpo", "flow_grpo", "grpo_guard", "flow_dppo"])
    description = {
        "loss_mode": mode,
        "clip_ratio": rng.choice([1e-4, 0.05, 0.3]),
        "adv_clip_max": rng.choice([5.0, 0.5]),
        "kl_loss_coef": rng.choice([None, None, 0.1]) if kind == "sde" else None,
        "old_policy": rng.choice(["same", "base", "noisy"]),
    }
    if mode == "flow_dppo":
        description["kl_mask_threshold"] = rng.choice([1e-9, 1e-3])
        description["add_kl_coefficient"] = rng.random() < 0.7
    return description


def make(rng, context):
    settings = random_settings(rng)
    lora = rng.choice(LORAS[1:])
    with torch.no_grad():
        # A single number has no deviation.
        rollout, description, recorded, (positive, negative, _) = roll_out(
            rng, context, settings, lora, least=2
        )
    objective = random_objective(rng, settings["sde_type"])
    B, W = recorded["all_timesteps"].shape

    def replay(step, rows=slice(None)):
        def pick(pair):
            return None if pair is None else tuple(part[rows] for part in pair)

        return rollout.replay(
            recorded["all_latents"][rows],
            recorded["all_timesteps"][rows],
            step,
            pick(positive),
            pick(negative),
        )

    def replay_all():
        with torch.no_grad():
            steps = [replay(step) for step in range(W)]
        return torch.stack([step[0] for step in steps], 1), torch.stack([step[1] for step in steps], 1)

    names = [name for name in recorded if name.startswith(("all_", "prompt_e", "negative_prompt_e"))]
    tensors = {name: recorded[name] for name in names if name != "all_log_probs"}
    rollout.transformer.disable_lora()
    base_log_probs, base_means = replay_all()
    rollout.transformer.enable_lora()
    log_probs, means = replay_all()
    if objective["old_policy"] == "base":
        log_probs, means = base_log_probs, base_means
    elif objective["old_policy"] == "noisy":
        log_probs = log_probs + 0.05 * context.randn((B, W))
        means = means + 0.01 * context.randn(means.shape)
    tensors["old_log_probs"] = log_probs
    if objective["loss_mode"] in ("grpo_guard", "flow_dppo"):
        tensors["old_prev_sample_mean"] = means
    if objective["kl_loss_coef"] is not None:
        tensors["ref_prev_sample_mean"] = base_means
    groups = [f"p{rng.randrange(2)}" for _ in range(B)]
    tensors["rewards"] = context.randn((B,))
    rewards = tensors["rewards"][:, None].expand(B, W)
    tensors["advantages"] = group_advantages(rewards, groups, True, True)
    parts = random_parts(rng, B)
    log = learn(rollout, objective, tensors, parts, replay)
    return {
        "model": f"{description['model']}/transformer",
        "lora": lora,
        **settings,
        **objective,
        "micro_batches": parts,
        "group_index": groups,
        **log,
        "tolerance": {},
    }, tensors


def learn(rollout, objective, tensors, parts, replay):
    W = tensors["all_timesteps"].shape[1]

    def backward():
        lines = []
        for number, rows in enumerate(parts):
            for step in range(W):
                loss, line = total_loss(objective, tensors, rows, step, replay(step, rows))
                (loss / (len(parts) * W)).backward()
                lines.append({"micro_batch": number, "window_step": step, **line})
        return lines

    return three_updates(rollout.transformer, tensors, backward)


def total_loss(objective, tensors, rows, step, replayed):
    """The objective of some rows at one step, and what the log says of it."""
    log_prob, mean, std, root = replayed
    inputs = {
        "log_probs": log_prob,
        "old_log_probs": tensors["old_log_probs"][rows, step],
        "advantages": tensors["advantages"][rows, step],
        "prev_sample_mean": mean,
        "std_dev_t": std.reshape(-1, *[1] * (mean.ndim - 1)).expand(len(rows), *[1] * (mean.ndim - 1)),
        "sqrt_dt": root,
    }
    for name in ("old_prev_sample_mean", "ref_prev_sample_mean"):
        if name in tensors:
            inputs[name] = tensors[name][rows, step]
    settings = {
        key: objective[key]
        for key in ("clip_ratio", "adv_clip_max", "kl_mask_threshold", "add_kl_coefficient")
        if key in objective
    }
    loss, metrics = compute(objective["loss_mode"], inputs, settings)
    if objective["kl_loss_coef"] is not None:
        distance, more = compute("kl", inputs, settings)
        loss = loss + objective["kl_loss_coef"] * distance
        metrics = {**metrics, **more}
    return loss, {
        "loss": loss.item(),
        "log_prob": log_prob.tolist(),
        "metrics": numbers(metrics),
    }
