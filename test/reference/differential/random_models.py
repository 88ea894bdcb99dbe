"""Random models: weights that keep activations of order one, files as the peers save them, and low-rank adapters."""

import math
import os

import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

DTYPES = [torch.float32, torch.float32, torch.bfloat16, torch.float16]


@torch.no_grad()
def randomise(model, context):
    """Matrices get variance 1 / inputs, norms a gain around 1, biases a tenth, and embeddings order one."""
    for name, parameter in model.named_parameters():
        draw = context.randn(parameter.shape)
        kind = name.rsplit(".", 1)[-1]
        if kind == "bias":
            draw *= 0.1
        elif "relative_attention_bias" in name:
            pass
        elif "embedding" in name or "embed_tokens" in name or name == "shared.weight":
            draw *= 0.7
        elif parameter.ndim == 1 or kind == "gamma":
            draw = 1 + 0.2 * draw
        else:
            draw /= math.sqrt(math.prod(parameter.shape[1:]))
        parameter.copy_(draw)
    return model


def saved_model(model, rng, context, name):
    """Saves a model in one file or in shards, in a random format, and loads it again in float32.

    Returns the model as loaded, and its folder relative to the cases' folder.
    """
    folder = context.new_folder(name)
    size = rng.choice(["10GB", "10GB", f"{rng.randint(20, 300)}KB"])
    randomise(model, context).to(rng.choice(DTYPES)).save_pretrained(context.path(folder), max_shard_size=size)
    dtype = {"torch_dtype" if hasattr(model, "register_to_config") else "dtype": torch.float32}
    return type(model).from_pretrained(context.path(folder), **dtype).eval(), folder


def linear_names(model):
    """Paths of all linear layers."""
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]


def lora_targets(model, rng):
    """Ends of paths, whole paths, a regular expression, or all linear layers."""
    names = linear_names(model)
    ends = sorted({name.split(".", 2)[-1] for name in names if name.startswith("transformer_blocks.")})
    kind = rng.choice(["ends", "ends", "paths", "pattern", "all-linear"])
    if kind == "ends":
        return rng.sample(ends, rng.randint(1, len(ends)))
    if kind == "paths":
        return rng.sample(names, rng.randint(1, min(6, len(names))))
    return r".*attn\.(to_q|to_v|add_k_proj)" if kind == "pattern" else "all-linear"


@torch.no_grad()
def randomise_lora(module, context):
    """Whatever its rank and scale, an adapter adds about a third of what goes in."""
    first, second = (getattr(module, f"lora_{one}")["default"].weight for one in "AB")
    first.copy_(context.randn(first.shape) / math.sqrt(first.shape[1]))
    second.copy_(context.randn(second.shape) * 0.3 / math.sqrt(second.shape[1]) / module.scaling["default"])


def add_lora(model, pipeline_class, rng, context):
    """Gives a transformer a random adapter, and saves it in a random one of the forms that are found in files.

    Returns the path of the file or of its folder relative to the cases' folder.
    """
    rank = rng.randint(1, 6)
    form = rng.choice(["diffusers", "diffusers", "plain", "peft"])
    alpha = rank if form == "plain" else rng.choice([rank, 2 * rank, 1, 8])
    patterns = {}
    if form != "plain" and rng.random() < 0.4:
        end = rng.choice(["to_q", "to_k", "to_v"])
        patterns = {"rank_pattern": {end: rng.randint(1, 5)}, "alpha_pattern": {end: rng.randint(1, 9)}}
    rslora = form != "plain" and rng.random() < 0.2
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=lora_targets(model, rng), use_rslora=rslora, **patterns
    )
    model.add_adapter(config)
    for module in model.modules():
        if hasattr(module, "lora_A"):
            randomise_lora(module, context)
    folder = context.new_folder("lora")
    path = context.path(folder)
    if form == "peft":
        config.save_pretrained(path)
        state = {f"base_model.model.{k}": v.contiguous() for k, v in get_peft_model_state_dict(model).items()}
        save_file(state, os.path.join(path, "adapter_model.safetensors"))
        return rng.choice([folder, f"{folder}/adapter_model.safetensors"])
    metadata = {"transformer_lora_adapter_metadata": config.to_dict()} if form == "diffusers" else {}
    pipeline_class.save_lora_weights(path, transformer_lora_layers=get_peft_model_state_dict(model), **metadata)
    return rng.choice([folder, f"{folder}/pytorch_lora_weights.safetensors"])
