"""Passes of the transformer, training steps and rollouts."""

import math

import torch
from diffusers import QwenImageTransformer2DModel

from job import Job
from sde import ETA, guide, sde_step

STEPS = 10


def inputs_of(tensors, rows, columns, sign=""):
    B = len(tensors["latents"])
    return {
        "hidden_states": tensors["latents"],
        "timestep": tensors["timestep"],
        "encoder_hidden_states": tensors[f"{sign}embeds"],
        # diffusers' pipelines drop a mask that leaves nothing out: attention is faster without.
        "encoder_hidden_states_mask": None,
        "img_shapes": [[(1, rows, columns)]] * B,
        "return_dict": False,
    }


class Transformer(Job):
    lora = False
    dtype = torch.float32

    def __init__(self, folder, tensors):
        self.model = QwenImageTransformer2DModel.from_pretrained(f"{folder}/transformer", torch_dtype=self.dtype).eval()
        if self.lora:
            self.model.load_lora_adapter(
                f"{folder}/lora", prefix=None, weight_name="pytorch_lora_weights.safetensors"
            )
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(("lora_" in name) == self.lora)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.tensors = tensors
        side = math.isqrt(tensors["latents"].shape[1])
        self.rows = self.columns = side

    def compile(self):
        self.model = torch.compile(self.model)

    def predict(self, latents, timestep, sign=""):
        given = {**self.tensors, "latents": latents.to(self.dtype), "timestep": timestep}
        return self.model(**inputs_of(given, self.rows, self.columns, sign))[0].float()


class Forward(Transformer):
    @torch.no_grad()
    def run(self):
        return self.predict(self.tensors["latents"], self.tensors["timestep"])


class ForwardBackward(Transformer):
    def run(self):
        for parameter in self.parameters:
            parameter.grad = None
        loss = self.predict(self.tensors["latents"], self.tensors["timestep"]).square().mean()
        loss.backward()
        return {"loss": loss, "norm": torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])}


class ForwardBackwardLora(ForwardBackward):
    lora = True


class TrainStep(Transformer):
    """Replay of one window step with guidance, FlowGRPO's loss, clipping, AdamW on the adapters."""

    lora = True

    def __init__(self, folder, tensors):
        super().__init__(folder, tensors)
        # A learning rate of zero leaves the numbers as they are from run to run; AdamW does all its work.
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.0)

    def run(self):
        tensors = self.tensors
        sigma, sigma_next, second = tensors["sigmas"]
        self.optimizer.zero_grad()
        x, timestep = tensors["latents"], tensors["timestep"]
        v = guide(self.predict(x, timestep), self.predict(x, timestep, "negative_"), 4.0)
        _, log_prob = sde_step(x, v, sigma, sigma_next, second, ETA, given=tensors["next_latents"])
        ratio = torch.exp(log_prob - tensors["old_log_probs"])
        A = tensors["advantages"]
        loss = torch.maximum(-A * ratio, -A * ratio.clamp(1 - 0.2, 1 + 0.2)).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return {"loss": loss, "norm": norm}


class Rollout(Transformer):
    """Ten steps with noise in all but the last, log-probabilities kept. The first run takes the recorded noise."""

    guided = False

    @torch.no_grad()
    def run(self):
        tensors = self.tensors
        x, sigmas = tensors["latents"], tensors["schedule"]
        recorded = tensors.pop("noise", None)
        for step in range(STEPS):
            time = (sigmas[step]).expand(len(x))
            v = self.predict(x, time)
            if self.guided:
                v = guide(v, self.predict(x, time, "negative_"), 4.0)
            if step == STEPS - 1:
                x = x + v * (sigmas[step + 1] - sigmas[step])
            else:
                noise = torch.randn_like(x) if recorded is None else recorded[step]
                x, _ = sde_step(x, v, sigmas[step], sigmas[step + 1], sigmas[1], ETA, noise=noise)
        return x


class RolloutCfg(Rollout):
    guided = True


class RolloutBfloat16(Rollout):
    """Weights and activations of the model in bfloat16, the sampler's mathematics in float32."""

    dtype = torch.bfloat16

    def __init__(self, folder, tensors):
        super().__init__(folder, {**tensors, "embeds": tensors["embeds"].to(self.dtype)})
