"""Diffusion-DPO of Qwen-Image: noised pairs, the reference, and training of adapters."""

import torch

from .qwen_forward import MODEL, Setting
from .sd3_dpo import learn, place, training_schedule


def make(rng, context):
    P = rng.randint(1, 3)
    B = 2 * P
    setting = Setting(rng, context, B, together=2)
    tensors = setting.tensors
    tensors["latents_clean"] = context.randn((B, *setting.shape))
    tensors["pair_noise"] = context.randn((P, *setting.shape))
    tensors["timestep_normal_draw"] = context.randn((P,))
    u, index, time, sigma = place(training_schedule(context, MODEL), tensors["timestep_normal_draw"])
    tensors.update({"timestep_u": u, "timestep_index": index})
    sigma = sigma.repeat_interleave(2)
    wide = sigma[:, None, None]
    noise = tensors["pair_noise"].repeat_interleave(2, 0)
    tensors.update(
        {
            "noise": noise,
            "timesteps": time.repeat_interleave(2),
            "sigmas_for_timesteps": sigma,
            "noisy_latents": wide * noise + (1 - wide) * tensors["latents_clean"],
            "sample_level_rewards": torch.tensor([1.0, 0.0] * P),
        }
    )

    def predict(rows):
        return setting.predict(tensors["noisy_latents"][rows], tensors["timesteps"][rows], rows)

    every = list(range(B))
    with torch.no_grad():
        setting.transformer.disable_lora()
        tensors["ref_noise_pred"] = predict(every)
        setting.transformer.enable_lora()
        tensors["model_noise_pred"] = predict(every)
    beta = rng.choice([20.0, 100.0, 500.0])
    parts = rng.choice([[every], [every[k : k + 2] for k in range(0, B, 2)]])
    log = learn(setting.transformer, tensors, predict, parts, beta)
    return {
        **setting.description(),
        "dpo_beta": beta,
        "micro_batches": parts,
        **log,
        "tolerance": {},
    }, tensors
