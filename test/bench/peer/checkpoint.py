"""The model that both sides are timed on: a mid-size Qwen-Image with random weights, as diffusers writes it."""

import os
import shutil

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from peft import LoraConfig
from transformers import AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

LORA_TARGETS = [
    "to_q",
    "to_k",
    "to_v",
    "to_out.0",
    "add_q_proj",
    "add_k_proj",
    "add_v_proj",
    "to_add_out",
    "img_mlp.net.0.proj",
    "img_mlp.net.2",
    "txt_mlp.net.0.proj",
    "txt_mlp.net.2",
]
SCHEDULER = {
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
}


def make(folder, tokenizer):
    """Writes the pipeline to `folder` and adapters of rank 16 to `folder`/lora, unless they are there."""
    done = os.path.join(folder, "is-complete")
    if os.path.exists(done):
        return
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    transformer = QwenImageTransformer2DModel(
        num_layers=6,
        num_attention_heads=8,
        attention_head_dim=64,
        joint_attention_dim=512,
        axes_dims_rope=(16, 24, 24),
        in_channels=64,
        out_channels=16,
    )
    vae = AutoencoderKLQwenImage(
        base_dim=32,
        z_dim=16,
        latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
    )
    text = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 512,
            "intermediate_size": 1024,
            "num_hidden_layers": 4,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "vocab_size": 922,
            "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
        },
        vision_config={"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 512},
    )
    pipe = QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULER),
        vae=vae,
        text_encoder=Qwen2_5_VLForConditionalGeneration(text),
        tokenizer=AutoTokenizer.from_pretrained(tokenizer),
        transformer=transformer,
    )
    pipe.save_pretrained(folder)
    transformer.add_adapter(LoraConfig(r=16, lora_alpha=16, target_modules=LORA_TARGETS))
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    transformer.save_lora_adapter(os.path.join(folder, "lora"))
    open(done, "w").close()
