"""DiffusionNFT of Qwen-Image: rewards to probabilities, noised data, three policies, and three updates of adapters."""

import torch

from .advantages import group_advantages
from .loss_units import probability
from .policy_losses import compute, numbers
from .qwen_forward import Setting
from .updates import three_updates, trainable

MODES = ["continuous", "positive_only", "negative_only", "one_only", "binary"]


def make(rng, context):
    B, K = rng.randint(2, 4), rng.randint(1, 3)
    setting = Setting(rng, context, B)
    tensors = setting.tensors
    tensors["latents_clean"] = context.randn((B, *setting.shape))
    tensors["forward_noise"] = context.randn((B, K, *setting.shape))
    # Whole numbers, as verl-omni's are.
    tensors["train_timesteps"] = torch.tensor(
        [[float(rng.randint(1, 1000)) for _ in range(K)] for _ in range(B)]
    )
    objective = {
        "mix_beta": rng.choice([0.1, 0.5, 1.0]),
        "adv_clip_max": rng.choice([5.0, 1.0]),
        "ref_kl_coef": rng.choice([0.0, 1e-4, 0.5]),
    }
    mode = rng.choice(MODES)
    groups = [f"p{rng.randrange(2)}" for _ in range(B)]
    tensors["rewards"] = context.randn((B,))
    advantages = group_advantages(tensors["rewards"][:, None], groups, True, True)[:, 0]
    tensors["advantages"] = advantages
    tensors["reward_prob"] = probability(advantages, mode, objective["adv_clip_max"])
    decays = [rng.choice([0.0, 0.5, 0.9]) for _ in range(3)]
    every = list(range(B))
    parts = rng.choice([[every], [[row] for row in every]])
    log = learn(setting, objective, parts, decays)
    return {
        **setting.description(),
        **objective,
        "adv_mode": mode,
        "group_index": groups,
        "old_policy_decays": decays,
        "micro_batches": parts,
        **log,
        "tolerance": {},
    }, tensors


class OldPolicy:
    """A copy of the adapters that follows them slowly."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.values = {name: p.detach().clone() for name, p in parameters.items()}

    def follow(self, decay):
        for name, p in self.parameters.items():
            self.values[name] = decay * self.values[name] + (1 - decay) * p.detach()

    def __enter__(self):
        self.current = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.put(self.values)

    def __exit__(self, *_):
        self.put(self.current)

    @torch.no_grad()
    def put(self, values):
        for name, p in self.parameters.items():
            p.copy_(values[name])


def learn(setting, objective, parts, decays):
    tensors, K = setting.tensors, setting.tensors["train_timesteps"].shape[1]
    old = OldPolicy(trainable(setting.transformer))
    waiting = list(decays)

    def backward():
        # The old policy moves after each update: before the next one's gradient.
        if len(waiting) < len(decays):
            old.follow(decays[len(decays) - len(waiting) - 1])
        waiting.pop()
        lines = []
        for rows in parts:
            for k in range(K):
                loss, metrics = compute("diffusion_nft", inputs(setting, old, rows, k), objective)
                (loss / (len(parts) * K)).backward()
                lines.append({"rows": rows, "time": k, "loss": loss.item(), "metrics": numbers(metrics)})
        return lines

    log = three_updates(setting.transformer, tensors, backward)
    old.follow(decays[-1])
    tensors.update({f"old_policy.{name}": value for name, value in old.values.items()})
    return log


def inputs(setting, old, rows, k):
    tensors = setting.tensors
    x0, time = tensors["latents_clean"][rows], tensors["train_timesteps"][rows, k]
    tau = (time / 1000)[:, None, None]
    xt = (1 - tau) * x0 + tau * tensors["forward_noise"][rows, k]
    with torch.no_grad():
        with old:
            before = setting.predict(xt, time, rows)
        setting.transformer.disable_lora()
        reference = setting.predict(xt, time, rows)
        setting.transformer.enable_lora()
    return {
        "x0": x0,
        "xt": xt,
        "t_expanded": tau,
        "forward_prediction": setting.predict(xt, time, rows),
        "old_prediction": before,
        "ref_forward_prediction": reference,
        "reward_prob": tensors["reward_prob"][rows],
    }
