"""Diffusion-DPO of Stable Diffusion 3: draws of time, pairs, predictions, and training of adapters."""

import json

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel

from .updates import three_updates

MODELS = {
    "models/tiny-sd3": "models/tiny-sd3-lora-r4-alpha4",
    "models/tiny-sd35": "models/tiny-sd35-lora-r2-alpha4",
}


def make(rng, context):
    return rng.choice([times, selection, training, training])(rng, context)


def training_schedule(context, model):
    with open(context.path(f"{model}/scheduler/scheduler_config.json")) as file:
        return FlowMatchEulerDiscreteScheduler.from_config(json.load(file))


def place(scheduler, draw):
    """u, place in the schedule, time and sigma of normal draws; a schedule falls, so a large draw means little noise."""
    u = torch.sigmoid(draw)
    index = (u * len(scheduler.timesteps)).long().clamp(max=len(scheduler.timesteps) - 1)
    return u, index, scheduler.timesteps[index], scheduler.sigmas[index]


def times(rng, context):
    model = rng.choice(list(MODELS))
    draw = 1.5 * context.randn((rng.randint(1, 60),))
    u, index, time, sigma = place(training_schedule(context, model), draw)
    tensors = {"normal_draw": draw, "u": u, "index": index, "timestep": time, "sigma": sigma}
    tolerance = {"atol": 1e-6, "rtol": 1e-6}
    return {"model": f"{model}/scheduler", "tolerance": tolerance}, tensors


def pairs(uid, scores):
    """Best and worst of each prompt, in the order of first pictures; of equal scores the first is best and the last worst."""
    rows = []
    for name in dict.fromkeys(uid):
        group = [row for row, one in enumerate(uid) if one == name]
        if len(group) > 1:
            ordered = sorted(group, key=lambda row: -scores[row])
            rows += [ordered[0], ordered[-1]]
    return rows


def selection(rng, _context):
    subcases = []
    for _ in range(6):
        B = rng.randint(1, 10)
        uid = [f"g{rng.randrange(4)}" for _ in range(B)]
        scores = [rng.choice([0.1, 0.2, 0.5, rng.random()]) for _ in range(B)]
        subcases.append({"uid": uid, "scores": scores, "selected_indices": pairs(uid, scores)})
    return {"subcases": subcases, "tolerance": "exact"}, {}


def training(rng, context):
    model = rng.choice(list(MODELS))
    lora = MODELS[model]
    scale = rng.choice([None, None, 1.0, 3.5])
    guided = scale is not None and scale > 1
    P = rng.randint(1, 3)
    B = 2 * P
    transformer = SD3Transformer2DModel.from_pretrained(context.path(f"{model}/transformer"))
    transformer.load_lora_adapter(
        context.path(lora), prefix="transformer", weight_name="pytorch_lora_weights.safetensors"
    )
    config = transformer.config
    size = (config.in_channels, rng.choice([4, 8, 12]), rng.choice([4, 8]))
    tensors = {
        "latents_clean": context.randn((B, *size)),
        "pair_noise": context.randn((P, *size)),
        "timestep_normal_draw": context.randn((P,)),
    }
    u, index, time, sigma = place(training_schedule(context, model), tensors["timestep_normal_draw"])
    tensors.update({"timestep_u": u, "timestep_index": index})
    noise = tensors["pair_noise"].repeat_interleave(2, 0)
    sigma = sigma.repeat_interleave(2)
    wide = sigma[:, None, None, None]
    L = rng.randint(1, 8)

    def embeds(prefix):
        return {
            f"{prefix}prompt_embeds": context.randn((P, L, config.joint_attention_dim)).repeat_interleave(2, 0),
            f"{prefix}pooled_prompt_embeds": context.randn((P, config.pooled_projection_dim)).repeat_interleave(2, 0),
        }

    tensors.update(
        {
            "noise": noise,
            "timesteps": time.repeat_interleave(2),
            "sigmas_for_timesteps": sigma,
            "noisy_latents": wide * noise + (1 - wide) * tensors["latents_clean"],
            **embeds(""),
            "prompt_embeds_mask": torch.ones(B, L, dtype=torch.int32),
            "sample_level_rewards": torch.tensor([1.0, 0.0] * P),
        }
    )
    if guided:
        negatives = embeds("negative_")
        tensors["negative_prompt_embeds"] = negatives["negative_prompt_embeds"]
        tensors["negative_pooled_prompt_embeds"] = negatives["negative_pooled_prompt_embeds"]
    predict = predictor(transformer, tensors, scale if guided else None)
    every = list(range(B))
    with torch.no_grad():
        transformer.disable_lora()
        tensors["ref_noise_pred"] = predict(every)
        transformer.enable_lora()
        tensors["model_noise_pred"] = predict(every)
    beta = rng.choice([20.0, 100.0, 500.0])
    parts = rng.choice([[every], [every[k : k + 2] for k in range(0, B, 2)]])
    log = learn(transformer, tensors, predict, parts, beta)
    return {
        "model": model,
        "lora": lora,
        "dpo_beta": beta,
        "guidance_scale": scale,
        "micro_batches": parts,
        **log,
        "tolerance": {},
    }, tensors


def predictor(transformer, tensors, scale):
    """Rows to predictions, guided when there is a scale."""

    def one(rows, prefix):
        return transformer(
            hidden_states=tensors["noisy_latents"][rows],
            timestep=tensors["timesteps"][rows],
            encoder_hidden_states=tensors[f"{prefix}prompt_embeds"][rows],
            pooled_projections=tensors[f"{prefix}pooled_prompt_embeds"][rows],
            return_dict=False,
        )[0]

    def predict(rows):
        v = one(rows, "")
        if scale is None:
            return v
        negative = one(rows, "negative_")
        return negative + scale * (v - negative)

    return predict


def objective(prediction, tensors, rows, beta):
    target = tensors["noise"][rows] - tensors["latents_clean"][rows]

    def error(v):
        return ((v - target) ** 2).flatten(1).mean(1)

    excess = (error(prediction) - error(tensors["ref_noise_pred"][rows])).reshape(-1, 2)
    chosen, rejected = (-beta / 2 * excess).unbind(1)
    margin = chosen - rejected
    loss = -torch.nn.functional.logsigmoid(margin).mean()
    return loss, {
        "actor/dpo_loss": loss.item(),
        "actor/implicit_acc": (margin > 0).float().mean().item(),
        "rewards/chosen": chosen.mean().item(),
        "rewards/rejected": rejected.mean().item(),
        "rewards/margins": margin.mean().item(),
    }


def learn(transformer, tensors, predict, parts, beta):
    def backward():
        lines = []
        for rows in parts:
            loss, metrics = objective(predict(rows), tensors, rows, beta)
            (loss / len(parts)).backward()
            lines.append({"rows": rows, "loss": loss.item(), "metrics": metrics})
        return lines

    return three_updates(transformer, tensors, backward)
