"""Qwen-Image's transformer with adapters on noised data, and what random cases of forward-process objectives share."""

import torch
from diffusers import QwenImageTransformer2DModel

from .adapter import guide, token_grid

MODEL = "models/tiny-qwen-image"
LORAS = ["models/tiny-qwen-image-lora-r4-alpha8", "models/tiny-qwen-image-lora-r2-alpha2-qv"]


class Setting:
    """A model with an adapter, the size of pictures, the scale of guidance, and words for B rows."""

    def __init__(self, rng, context, B, together=1):
        """`together` rows after each other share their words."""
        self.lora = rng.choice(LORAS)
        self.height, self.width = rng.choice([32, 48, 64, 96]), rng.choice([32, 64, 80])
        self.scale = rng.choice([1.0, 1.0, 2.5, 4.0])
        self.rows, self.columns = token_grid(self.height, self.width)
        self.transformer = QwenImageTransformer2DModel.from_pretrained(context.path(f"{MODEL}/transformer"))
        self.transformer.load_lora_adapter(
            context.path(self.lora), prefix="transformer", weight_name="pytorch_lora_weights.safetensors"
        )
        self.shape = (self.rows * self.columns, self.transformer.config.in_channels)
        self.tensors = self.words(rng, context, "", B, together)
        if self.scale > 1:
            self.tensors.update(self.words(rng, context, "negative_", B, together))

    def words(self, rng, context, prefix, B, together):
        lengths = [rng.randint(1, 7) for _ in range(B // together)]
        L = max(lengths)
        mask = (torch.arange(L)[None] < torch.tensor(lengths)[:, None]).to(torch.int32)
        embeds = context.randn((len(lengths), L, self.transformer.config.joint_attention_dim)) * mask[..., None]
        return {
            f"{prefix}prompt_embeds": embeds.repeat_interleave(together, 0),
            f"{prefix}prompt_embeds_mask": mask.repeat_interleave(together, 0),
        }

    def description(self):
        return {
            "model": MODEL,
            "lora": self.lora,
            "height": self.height,
            "width": self.width,
            "true_cfg_scale": self.scale,
        }

    def predict(self, latents, timesteps, rows):
        """Velocities of some rows at their noised latents and times, guided when the scale is above 1."""

        def one(prefix):
            return self.transformer(
                hidden_states=latents,
                timestep=timesteps / 1000,
                encoder_hidden_states=self.tensors[f"{prefix}prompt_embeds"][rows],
                encoder_hidden_states_mask=self.tensors[f"{prefix}prompt_embeds_mask"][rows],
                img_shapes=[[(1, self.rows, self.columns)]] * len(latents),
                return_dict=False,
            )[0]

        v = one("")
        return guide(v, one("negative_"), self.scale) if self.scale > 1 else v
