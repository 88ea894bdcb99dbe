"""What stands around the transformer: autoencoder, text encoder, tokenizer, and loading."""

import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from job import Job


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
        return torch.nn.utils.get_total_norm([p.detach() for p in model.parameters()])
