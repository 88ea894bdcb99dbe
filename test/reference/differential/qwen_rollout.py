"""Qwen-Image rollouts in PyTorch: the pipeline's parts, the denoising loop with its log-probabilities, and the replay."""

import torch
from diffusers import QwenImagePipeline

from .adapter import guide, qwen_schedule, token_grid
from .sde import SDEScheduler

PREFIX = 34
LONGEST = 1024


class Rollout:
    """A pipeline on a model directory with an optional LoRA folder, and the settings of one rollout."""

    def __init__(self, folder, lora=None, **settings):
        self.pipe = QwenImagePipeline.from_pretrained(folder, torch_dtype=torch.float32)
        self.pipe.set_progress_bar_config(disable=True)
        self.transformer = self.pipe.transformer
        if lora is not None:
            self.transformer.load_lora_adapter(
                lora, prefix="transformer", weight_name="pytorch_lora_weights.safetensors"
            )
        self.transformer.eval()
        self.height, self.width = settings["height"], settings["width"]
        self.steps = settings["num_inference_steps"]
        self.scale = settings["true_cfg_scale"]
        self.eta, self.kind = settings["noise_level"], settings["sde_type"]
        self.scheduler = qwen_schedule(folder, self.height, self.width, self.steps, SDEScheduler)
        self.rows, self.columns = token_grid(self.height, self.width)

    def tokens(self, prompts):
        """Token ids and mask of prompts in the pipeline's template."""
        texts = [self.pipe.prompt_template_encode.format(prompt) for prompt in prompts]
        batch = self.pipe.tokenizer(
            texts, max_length=LONGEST + PREFIX, padding=True, truncation=True, return_tensors="pt"
        )
        return batch.input_ids, batch.attention_mask

    def embed(self, prompts):
        embeds, mask = self.pipe.encode_prompt(prompts, num_images_per_prompt=1, max_sequence_length=LONGEST)
        if mask is None:
            mask = torch.ones(embeds.shape[:2], dtype=torch.int32)
        return embeds, mask

    def predict(self, latents, timestep, embeds, mask):
        """The transformer's velocity at time (B) between 0 and 1000."""
        return self.transformer(
            hidden_states=latents,
            timestep=timestep / 1000,
            encoder_hidden_states=embeds,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, self.rows, self.columns)]] * len(latents),
            return_dict=False,
        )[0]

    def velocity(self, latents, timestep, positive, negative):
        v = self.predict(latents, timestep, *positive)
        if negative is None or self.scale <= 1:
            return v
        return guide(v, self.predict(latents, timestep, *negative), self.scale)

    def step(self, latents, places, levels, positive, negative, **rest):
        """One reverse step of rows at `places`, an index or one a row; differentiable."""
        time = self.scheduler.timesteps[torch.as_tensor(places)].expand(len(latents))
        v = self.velocity(latents, time, positive, negative)
        return self.scheduler.reverse(latents, v, places, levels, self.kind, **rest)

    def run(self, latents, noise, windows, positive, negative):
        """The whole loop. `windows` holds (start, end) of each row.

        Returns the batch's fields by verl-omni's names, and the final latents.
        """
        times = self.scheduler.timesteps
        visited, log_probs = [latents], []
        x = latents
        for step in range(self.steps):
            levels = [self.eta if start <= step < end else 0.0 for start, end in windows]
            level = levels[0] if len(set(levels)) == 1 else torch.tensor(levels)
            x, log_prob, *_ = self.step(x, step, level, positive, negative, noise=noise[step])
            visited.append(x)
            log_probs.append(log_prob)
        rows = range(len(latents))
        fields = {
            "all_latents": torch.stack(
                [torch.stack([visited[k][b] for k in range(windows[b][0], windows[b][1] + 1)]) for b in rows]
            ),
            "all_log_probs": torch.stack(
                [torch.stack([log_probs[k][b] for k in range(*windows[b])]) for b in rows]
            ),
            "all_timesteps": torch.stack([times[windows[b][0] : windows[b][1]] for b in rows]),
        }
        return fields, x

    def decode(self, latents):
        """Pictures (B, 3, H, W) from -1 to 1."""
        pipe = self.pipe
        z = pipe._unpack_latents(latents, self.height, self.width, pipe.vae_scale_factor)
        config = pipe.vae.config
        shape = (1, config.z_dim, 1, 1, 1)
        z = z * torch.tensor(config.latents_std).view(shape) + torch.tensor(config.latents_mean).view(shape)
        return pipe.vae.decode(z, return_dict=False)[0][:, :, 0]

    def replay(self, all_latents, all_timesteps, step, positive, negative):
        """Log-probability, mean, std and sqrt_dt of the trajectory's step; differentiable."""
        times = self.scheduler.timesteps.tolist()
        places = [times.index(t) for t in all_timesteps[:, step].tolist()]
        _, log_prob, mean, std, root = self.step(
            all_latents[:, step], places, self.eta, positive, negative, given=all_latents[:, step + 1]
        )
        return log_prob, mean, std, root
