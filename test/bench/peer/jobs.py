"""One class a row: what PyTorch does in one run."""

import math

import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

STEPS = 10
ETA = 0.7


class Job:
    def compile(self):
        """Replaces the expensive part by torch.compile's."""
        raise NotImplementedError(f"{type(self).__name__} has no compiled side")


def inputs_of(tensors, rows, columns, sign=""):
    B = len(tensors["latents"])
    return {
        "hidden_states": tensors["latents"],
        "timestep": tensors["timestep"],
        "encoder_hidden_states": tensors[f"{sign}embeds"],
        "encoder_hidden_states_mask": torch.ones(tensors[f"{sign}embeds"].shape[:2], dtype=torch.bool),
        "img_shapes": [[(1, rows, columns)]] * B,
        "return_dict": False,
    }


class Transformer(Job):
    lora = False

    def __init__(self, folder, tensors):
        self.model = QwenImageTransformer2DModel.from_pretrained(f"{folder}/transformer").eval()
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
        given = {**self.tensors, "latents": latents, "timestep": timestep}
        return self.model(**inputs_of(given, self.rows, self.columns, sign))[0]


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
    """Ten steps with noise in all but the last, log-probabilities kept."""

    guided = False

    @torch.no_grad()
    def run(self):
        tensors = self.tensors
        x, sigmas = tensors["latents"], tensors["schedule"]
        for step in range(STEPS):
            time = (sigmas[step]).expand(len(x))
            v = self.predict(x, time)
            if self.guided:
                v = guide(v, self.predict(x, time, "negative_"), 4.0)
            if step == STEPS - 1:
                x = x + v * (sigmas[step + 1] - sigmas[step])
            else:
                noise = tensors["noise"][step] if "noise" in tensors else torch.randn_like(x)
                x, _ = sde_step(x, v, sigmas[step], sigmas[step + 1], sigmas[1], ETA, noise=noise)
        return x


class RolloutCfg(Rollout):
    guided = True


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
    """The sde step with its noise drawn; the check compares means and spreads, as the draws differ."""

    def __init__(self, _folder, tensors):
        self.tensors = tensors

    @torch.no_grad()
    def run(self):
        tensors = self.tensors
        sigma, sigma_next, second = tensors["sigmas"]
        x = tensors["latents"]
        noise = torch.randn_like(x)
        drawn, _ = sde_step(x, tensors["velocity"], sigma, sigma_next, second, ETA, noise=noise)
        return {"mean": drawn.mean(), "std": drawn.std()}


class Vae(Job):
    def __init__(self, folder, tensors):
        self.vae = AutoencoderKLQwenImage.from_pretrained(f"{folder}/vae").eval()
        self.tensors = tensors


class VaeDecode(Vae):
    @torch.no_grad()
    def run(self):
        return self.vae.decode(self.tensors["latents"], return_dict=False)[0]


class VaeEncode(Vae):
    @torch.no_grad()
    def run(self):
        return self.vae.encode(self.tensors["picture"], return_dict=False)[0].mode()


class TextEncoder(Job):
    def __init__(self, folder, tensors):
        self.model = Qwen2_5_VLForConditionalGeneration.from_pretrained(f"{folder}/text_encoder").eval()
        self.ids = tensors["ids"].long()

    @torch.no_grad()
    def run(self):
        mask = torch.ones_like(self.ids)
        output = self.model(input_ids=self.ids, attention_mask=mask, output_hidden_states=True)
        return output.hidden_states[-1]


class Tokenizer(Job):
    def __init__(self, folder, tensors):
        self.tokenizer = AutoTokenizer.from_pretrained(f"{folder}/tokenizer")
        raw = bytes(tensors["prompts"].to(torch.uint8).tolist())
        self.prompts = raw.decode("utf8").split("\n")

    def run(self):
        batch = self.tokenizer(self.prompts, padding=True, truncation=True, max_length=1058)
        return torch.tensor(batch.input_ids)


class Load(Job):
    def __init__(self, folder, _tensors):
        self.folder = folder

    def run(self):
        model = QwenImageTransformer2DModel.from_pretrained(f"{self.folder}/transformer")
        # Mapped files are read when they are used.
        return torch.stack([p.detach().sum() for p in model.parameters()]).sum()


JOBS = {
    "forward": Forward,
    "forward-backward": ForwardBackward,
    "forward-backward-lora": ForwardBackwardLora,
    "train-step": TrainStep,
    "rollout": Rollout,
    "rollout-cfg": RolloutCfg,
    "scheduler-sde": SchedulerStep,
    "scheduler-cps": SchedulerCps,
    "scheduler-dance": SchedulerDance,
    "scheduler-sde-noise": SchedulerNoise,
    "vae-decode": VaeDecode,
    "vae-encode": VaeEncode,
    "text-encoder": TextEncoder,
    "tokenizer": Tokenizer,
    "load": Load,
}
