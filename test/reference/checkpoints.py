"""Checkpoints as the peers write and read them."""

import json
import random
from pathlib import Path

import diffusers
import torch
import transformers
from safetensors.torch import load_file, save_file

for peer in (diffusers, transformers):
    peer.utils.logging.disable_progress_bar()

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def round_floats(path, into):
    """Rounds the float32 tensor `values` of a file to both half types, as bits in int32."""
    values = load_file(path)["values"]
    bits = {name: values.to(DTYPES[name]).view(torch.int16).to(torch.int32) & 0xFFFF for name in ("float16", "bfloat16")}
    save_file({name: tensor.contiguous() for name, tensor in bits.items()}, into)


def _pipeline(folder, variant=None):
    names = json.loads((Path(folder) / "model_index.json").read_text())
    cls = getattr(diffusers, names["_class_name"])
    return cls.from_pretrained(folder, dtype=torch.float32, variant=variant, local_files_only=True)


def _latents(pipe, seed, size):
    generator = torch.Generator().manual_seed(seed)
    scale = 2 ** (len(getattr(pipe.vae.config, "block_out_channels", None) or pipe.vae.config.dim_mult) - 1)
    side = size // scale
    channels = pipe.transformer.config.in_channels
    if isinstance(pipe, diffusers.QwenImagePipeline):
        return torch.randn(1, (side // 2) ** 2, channels, generator=generator)
    return torch.randn(1, channels, side, side, generator=generator)


def picture(folder, into, prompt="a red circle", seed=0, size=32, steps=3, variant=None, lora=None):
    """Loads a pipeline and writes the noise that it starts from and its picture (B, 3, H, W) in [0, 1]."""
    pipe = _pipeline(folder, variant)
    pipe.set_progress_bar_config(disable=True)
    if lora is not None:
        pipe.load_lora_weights(lora)
    latents = _latents(pipe, seed, size)
    arguments = {"max_sequence_length": 32} if isinstance(pipe, diffusers.StableDiffusion3Pipeline) else {}
    guidance = (
        {"true_cfg_scale": 2.0, "negative_prompt": "blue"}
        if isinstance(pipe, diffusers.QwenImagePipeline)
        else {"guidance_scale": 2.0}
    )
    with torch.no_grad():
        images = pipe(
            prompt=[prompt],
            height=size,
            width=size,
            num_inference_steps=steps,
            latents=latents.clone(),
            output_type="pt",
            **guidance,
            **arguments,
        ).images
    save_file({"latents": latents.contiguous(), "picture": images.float().contiguous()}, into)


def save_random_pipeline(source, folder, seed, dtype="float32", max_shard_size="10GB", variant=None):
    """Draws other widths and depths for all models of a pipeline, and random weights; saves it."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    pipe = _pipeline(source)
    draw = _random_qwen if isinstance(pipe, diffusers.QwenImagePipeline) else _random_sd3
    for name, part in draw(pipe, rng).items():
        setattr(pipe, name, part)
        pipe.register_to_config(**{name: (part.__class__.__module__.split(".")[0], part.__class__.__name__)})
        for value in [*part.parameters()]:
            if value.ndim > 1:
                torch.nn.init.normal_(value, std=value[0].numel() ** -0.5)
            else:
                torch.nn.init.normal_(value, mean=0.1, std=0.2)
        part.to(DTYPES[dtype])
    pipe.save_pretrained(folder, max_shard_size=max_shard_size, variant=variant)




def _random_qwen(pipe, rng):
    heads = rng.choice([2, 3])
    joint = rng.choice([24, 32])
    z = rng.choice([4, 6])
    transformer = diffusers.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=4 * z,
        out_channels=z,
        num_layers=rng.choice([1, 3]),
        attention_head_dim=16,
        num_attention_heads=heads,
        joint_attention_dim=joint,
        axes_dims_rope=rng.choice([(8, 4, 4), (4, 6, 6)]),
    )
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=rng.choice([4, 8]),
        z_dim=z,
        dim_mult=rng.choice([[1, 2, 4, 4], [1, 1, 2, 4]]),
        num_res_blocks=rng.choice([1, 2]),
        attn_scales=rng.choice([[], [0.5]]),
        latents_mean=[rng.uniform(-1, 1) for _ in range(z)],
        latents_std=[rng.uniform(1, 3) for _ in range(z)],
    )
    config = pipe.text_encoder.config.to_dict()
    text_heads = joint // 8
    config["text_config"].update(
        hidden_size=joint,
        intermediate_size=rng.choice([40, 64]),
        num_hidden_layers=rng.choice([1, 3]),
        num_attention_heads=text_heads,
        num_key_value_heads=rng.choice([1, text_heads]),
    )
    config["text_config"]["layer_types"] = ["full_attention"] * config["text_config"]["num_hidden_layers"]
    config["vision_config"]["out_hidden_size"] = joint
    text_encoder = transformers.Qwen2_5_VLForConditionalGeneration(transformers.Qwen2_5_VLConfig(**config)).eval()
    return {"transformer": transformer, "vae": vae, "text_encoder": text_encoder}


def _random_sd3(pipe, rng):
    heads = rng.choice([2, 4])
    z = rng.choice([4, 8])
    joint = 48
    layers = rng.choice([1, 2, 3])
    widths = (rng.choice([16, 24]), rng.choice([24, 16]))
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=z,
        out_channels=z,
        num_layers=layers,
        attention_head_dim=16,
        num_attention_heads=heads,
        joint_attention_dim=joint,
        caption_projection_dim=16 * heads,
        pooled_projection_dim=sum(widths),
        pos_embed_max_size=rng.choice([8, 12]),
        qk_norm=rng.choice([None, "rms_norm"]),
        dual_attention_layers=rng.choice([(), (0,)]),
    )
    quantizes = rng.random() < 0.5
    vae = diffusers.AutoencoderKL(
        block_out_channels=rng.choice([(4, 8, 8, 8), (8, 8, 16, 8)]),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=rng.choice([1, 2]),
        latent_channels=z,
        norm_num_groups=4,
        use_quant_conv=quantizes,
        use_post_quant_conv=quantizes,
        mid_block_add_attention=rng.random() < 0.7,
        scaling_factor=1.5,
        shift_factor=0.06,
    )
    parts = {"transformer": transformer, "vae": vae}
    for name, width in zip(("text_encoder", "text_encoder_2"), widths):
        settings = getattr(pipe, name).config.to_dict()
        settings.update(hidden_size=width, projection_dim=width, intermediate_size=rng.choice([32, 40]),
                        num_attention_heads=2, num_hidden_layers=rng.choice([2, 3]))
        parts[name] = transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(**settings)).eval()
    settings = pipe.text_encoder_3.config.to_dict()
    settings.update(d_model=joint, d_ff=rng.choice([32, 56]), num_layers=rng.choice([1, 3]), num_heads=rng.choice([2, 4]),
                    feed_forward_proj=rng.choice(["relu", "gated-gelu"]))
    for derived in ("dense_act_fn", "is_gated_act"):
        settings.pop(derived, None)
    parts["text_encoder_3"] = transformers.T5EncoderModel(transformers.T5Config(**settings)).eval()
    return parts


def save_again(source, folder, max_shard_size="10GB"):
    """Saves a pipeline's models with the peers' own functions."""
    _pipeline(source).save_pretrained(folder, max_shard_size=max_shard_size)
