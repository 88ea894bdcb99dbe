"""Prompts of Stable Diffusion 3 through random tokenizers and text encoders."""

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, T5Config, T5EncoderModel

from .random_models import saved_model
from .random_tokenizers import random_text, t5_tokenizer, two_clip_tokenizers


def random_clip(rng, tokenizer):
    heads = rng.randint(1, 3)
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=heads * rng.choice([4, 6]),
        intermediate_size=rng.choice([8, 20]),
        projection_dim=rng.choice([5, 16]),
        num_hidden_layers=rng.randint(1, 3),
        num_attention_heads=heads,
        max_position_embeddings=rng.choice([77, 80]),
        hidden_act=rng.choice(["quick_gelu", "gelu", "gelu_new", "silu"]),
        layer_norm_eps=rng.choice([1e-5, 1e-3]),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=rng.choice([2, tokenizer.eos_token_id]),
    )


def random_t5(rng, tokenizer, least):
    return T5Config(
        vocab_size=len(tokenizer) + rng.choice([0, 5]),
        d_model=least + rng.randint(0, 10),
        d_kv=rng.choice([4, 7]),
        d_ff=rng.choice([8, 20]),
        num_layers=rng.randint(1, 3),
        num_heads=rng.randint(1, 3),
        relative_attention_num_buckets=rng.choice([8, 13, 32]),
        relative_attention_max_distance=rng.choice([10, 128]),
        layer_norm_epsilon=rng.choice([1e-6, 1e-3]),
        feed_forward_proj=rng.choice(["gated-gelu", "relu", "gated-silu", "gelu"]),
        tie_word_embeddings=rng.random() < 0.5,
    )


@torch.no_grad()
def make(rng, context):
    root = context.new_folder("pipeline")
    (first, _), (second, _) = two_clip_tokenizers(rng, context, "pipeline/")
    third, _ = t5_tokenizer(rng, context, "pipeline/")
    clips = [
        saved_model(CLIPTextModelWithProjection(random_clip(rng, tokenizer)), rng, context, f"pipeline/{name}")[0]
        for tokenizer, name in ((first, "text_encoder"), (second, "text_encoder_2"))
    ]
    least = sum(clip.config.hidden_size for clip in clips)
    t5, _ = saved_model(T5EncoderModel(random_t5(rng, third, least)), rng, context, "pipeline/text_encoder_3")
    transformer = SD3Transformer2DModel(
        num_layers=1,
        attention_head_dim=4,
        num_attention_heads=1,
        caption_projection_dim=4,
        joint_attention_dim=t5.config.d_model,
        pooled_projection_dim=sum(clip.config.projection_dim for clip in clips),
        pos_embed_max_size=2,
        in_channels=1,
    )
    transformer.save_pretrained(context.path(f"{root}/transformer"))
    pipe = StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=None,
        transformer=transformer,
        text_encoder=clips[0],
        text_encoder_2=clips[1],
        text_encoder_3=t5,
        tokenizer=first,
        tokenizer_2=second,
        tokenizer_3=third,
    )
    pipe.save_config(context.path(root))
    prompts = [random_text(rng) for _ in range(rng.randint(1, 3))]
    negative = rng.choice([None, "", random_text(rng)])
    length = rng.choice([16, 24, 77, 130])
    names = ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
    encoded = pipe.encode_prompt(
        prompts,
        None,
        None,
        negative_prompt=negative,
        max_sequence_length=length,
        do_classifier_free_guidance=True,
    )
    tensors = dict(zip(names, encoded))
    for index, (clip, tokenizer) in enumerate(zip(clips, (first, second))):
        ids = padded_ids(tokenizer, prompts, 77)
        output = clip(ids, output_hidden_states=True)
        tensors |= {
            f"clip{index}.input_ids": ids,
            f"clip{index}.penultimate": output.hidden_states[-2],
            f"clip{index}.pooled": output.text_embeds,
        }
    ids = padded_ids(third, prompts, length)
    tensors |= {"t5.input_ids": ids, "t5.last_hidden": t5(ids).last_hidden_state}
    return {
        "model": root,
        "prompts": prompts,
        "negative_prompt": negative,
        "max_sequence_length": length,
        "tolerance": {"atol": 5e-5, "rtol": 1e-3},
    }, tensors


def padded_ids(tokenizer, prompts, length):
    options = {"padding": "max_length", "max_length": length, "truncation": True, "return_tensors": "pt"}
    return tokenizer(prompts, **options).input_ids
