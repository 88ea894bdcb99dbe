"""One step of FlowGRPO: rollout, decoding, reward, advantages, update, on all weights of the transformer."""

import torch
from diffusers import QwenImagePipeline
from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift, retrieve_timesteps

from job import Job
from sde import ETA, sde_step

STEPS = 10
WINDOW = range(1, 3)
SIDE = 64
CLIP_RATIO = 1e-3


class Iteration(Job):
    """The first run goes through the recorded noise, an iteration each; the others are one iteration with own noise."""

    def __init__(self, folder, tensors):
        pipe = QwenImagePipeline.from_pretrained(folder)
        prompts = bytes(tensors["prompts"].to(torch.uint8).tolist()).decode("utf8").split("\n")
        self.groups = len(prompts)
        self.group_size = int(tensors["group_size"])
        with torch.no_grad():
            embeds, mask = pipe.encode_prompt(prompts)
        self.embeds = embeds.repeat_interleave(self.group_size, 0)
        self.mask = None if mask is None else mask.repeat_interleave(self.group_size, 0)
        self.model, self.vae, self.pipe = pipe.transformer.eval(), pipe.vae.eval().requires_grad_(False), pipe
        self.decode = self.vae.decode
        sigmas = [1 - step * (1 - 1 / STEPS) / (STEPS - 1) for step in range(STEPS)]
        config = pipe.scheduler.config
        tokens = (SIDE // 16) ** 2
        mu = calculate_shift(
            tokens, config.base_image_seq_len, config.max_image_seq_len, config.base_shift, config.max_shift
        )
        retrieve_timesteps(pipe.scheduler, STEPS, "cpu", sigmas=sigmas, mu=mu)
        self.sigmas = pipe.scheduler.sigmas
        self.shape = (tokens, self.model.config.in_channels)
        # Per iteration: where each group starts, and what each picture's window adds.
        initial = [
            pipe._pack_latents(rows, len(rows), rows.shape[1], *rows.shape[2:]) for rows in tensors["initial"]
        ]
        self.recorded = list(zip(initial, tensors["noise"]))
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=2e-4, betas=(0.9, 0.99), weight_decay=0.0)

    def compile(self):
        self.model = torch.compile(self.model)
        self.decode = torch.compile(self.vae.decode)

    def predict(self, x, step):
        return self.model(
            hidden_states=x,
            timestep=self.sigmas[step].expand(len(x)),
            encoder_hidden_states=self.embeds,
            encoder_hidden_states_mask=self.mask,
            img_shapes=[[(1, SIDE // 16, SIDE // 16)]] * len(x),
            return_dict=False,
        )[0]

    def step(self, x, v, step, **how):
        sigmas = self.sigmas
        return sde_step(x, v, sigmas[step], sigmas[step + 1], sigmas[1], ETA, **how)

    def draw(self):
        if self.recorded:
            return self.recorded.pop(0)
        B = self.groups * self.group_size
        return torch.randn(self.groups, *self.shape), torch.randn(len(WINDOW), B, *self.shape)

    @torch.no_grad()
    def roll_out(self):
        initial, noise = self.draw()
        x = initial.repeat_interleave(self.group_size, 0)
        visited = []
        for step in range(STEPS):
            v = self.predict(x, step)
            if step in WINDOW:
                x_next, log_prob = self.step(x, v, step, noise=noise[step - WINDOW[0]])
                visited.append((step, x, x_next, log_prob))
            else:
                x_next = x + v * (self.sigmas[step + 1] - self.sigmas[step])
            x = x_next
        return x, visited

    @torch.no_grad()
    def pictures(self, x):
        """Bytes (B, 3, H, W)."""
        z = self.pipe._unpack_latents(x, SIDE, SIDE, self.pipe.vae_scale_factor)
        mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (self.vae.config.latents_mean, self.vae.config.latents_std))
        decoded = self.decode(z * std + mean, return_dict=False)[0][:, :, 0]
        return ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)

    def advantages(self, rewards):
        """Compared within groups, one a step of the window, as the trainer repeats them."""
        rows = rewards.view(self.groups, self.group_size, 1).expand(-1, -1, len(WINDOW)).flatten(1)
        A = (rows - rows.mean(1, keepdim=True)) / (rows.std(1, keepdim=True) + 1e-4)
        return A.view(len(rewards), len(WINDOW))

    def run(self):
        reports = [self.iterate() for _ in range(max(1, len(self.recorded)))]
        return {name: torch.stack([report[name].detach() for report in reports]) for name in reports[0]}

    def iterate(self):
        latents, visited = self.roll_out()
        red, green, blue = (self.pictures(latents).float() / 255).unbind(1)
        rewards = (red - (green + blue) / 2).mean((1, 2))
        A = self.advantages(rewards).clamp(-5, 5)
        self.optimizer.zero_grad()
        for at, (step, x, x_next, old_log_prob) in enumerate(visited):
            _, log_prob = self.step(x, self.predict(x, step), step, given=x_next)
            ratio = torch.exp(log_prob - old_log_prob)
            clipped = ratio.clamp(1 - CLIP_RATIO, 1 + CLIP_RATIO)
            loss = torch.maximum(-A[:, at] * ratio, -A[:, at] * clipped).mean()
            (loss / len(visited)).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return {"rewards": rewards, "norm": norm}
