"""Qwen2.5-VL's language model on random tokenizers and prompts: heads, layers, sliding windows, old and new settings."""

import json
import os

import torch
from diffusers import QwenImagePipeline
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from .random_models import saved_model
from .random_tokenizers import qwen_tokenizer, random_text

VISION = {
    "depth": 1,
    "fullatt_block_indexes": [0],
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_heads": 2,
    "window_size": 112,
}


def random_config(rng, vocabulary):
    heads = rng.choice([1, 2, 4, 6])
    half = rng.choice([3, 4, 8])
    first = rng.randint(1, half - 2)
    second = rng.randint(1, half - first - 1)
    layers = rng.randint(2, 4)
    slides = rng.random() < 0.3
    return {
        "vocab_size": vocabulary,
        "hidden_size": heads * 2 * half,
        "intermediate_size": rng.choice([8, 24]),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": rng.choice([k for k in range(1, heads + 1) if heads % k == 0]),
        "hidden_act": rng.choice(["silu", "silu", "gelu", "relu"]),
        "rms_norm_eps": rng.choice([1e-6, 1e-5, 1e-3]),
        "use_sliding_window": slides,
        "sliding_window": rng.choice([3, 20]),
        "max_window_layers": rng.randint(0, layers),
        "tie_word_embeddings": rng.random() < 0.3,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": rng.choice([1e4, 1e6]),
            "mrope_section": [first, second, half - first - second],
        },
    }


def write_old_settings(path):
    """Rewrites config.json as transformers 4 wrote it: text settings at the top, `rope_scaling` beside `rope_theta`."""
    name = os.path.join(path, "config.json")
    with open(name) as file:
        config = json.load(file)
    text = config.pop("text_config")
    rope = text.pop("rope_parameters")
    text.pop("layer_types")
    text |= {
        "rope_theta": rope["rope_theta"],
        "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": rope["mrope_section"]},
    }
    with open(name, "w") as file:
        json.dump({**text, **config}, file)


@torch.no_grad()
def make(rng, context):
    root = context.new_folder("pipeline")
    tokenizer, _ = qwen_tokenizer(rng, context, "pipeline/tokenizer")
    config = Qwen2_5_VLConfig(
        text_config=random_config(rng, len(tokenizer) + rng.choice([0, 7])),
        vision_config={**VISION, "out_hidden_size": 8},
    )
    config.vision_config.out_hidden_size = config.text_config.hidden_size
    model, folder = saved_model(Qwen2_5_VLForConditionalGeneration(config), rng, context, "pipeline/text_encoder")
    if rng.random() < 0.4:
        write_old_settings(context.path(folder))
        model = type(model).from_pretrained(context.path(folder), dtype=torch.float32).eval()
    pipe = QwenImagePipeline(scheduler=None, vae=None, text_encoder=model, tokenizer=tokenizer, transformer=None)
    pipe.save_config(context.path(root))
    dropped = rng.choice([34, 34, 3])
    pipe.prompt_template_encode_start_idx = dropped
    prompts = [random_text(rng) for _ in range(rng.randint(1, 3))]
    texts = [pipe.prompt_template_encode.format(prompt) for prompt in prompts]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    states = model(**batch, output_hidden_states=True).hidden_states
    kept = batch.attention_mask[:, :, None]
    embeds, mask = pipe._get_qwen_prompt_embeds(prompts)
    repeated, repeated_mask = pipe.encode_prompt(prompts, num_images_per_prompt=2, max_sequence_length=12)
    if repeated_mask is None:
        repeated_mask = torch.ones(repeated.shape[:2])
    return {
        "model": root,
        "prompts": prompts,
        "drop_idx": dropped,
        "padding_side": "right",
        "tolerance": {"atol": 5e-5, "rtol": 1e-3},
    }, {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "layer0_embed": states[0] * kept,
        "layer1": states[1] * kept,
        "last_hidden": states[-1] * kept,
        "prompt_embeds": embeds,
        "prompt_embeds_mask": mask.int(),
        "prompt_embeds_n2_max12": repeated,
        "prompt_embeds_mask_n2_max12": repeated_mask.int(),
    }
