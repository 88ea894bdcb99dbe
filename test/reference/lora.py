"""Low-rank adapters as PEFT and diffusers make, write and read them."""

import random
from pathlib import Path

import diffusers
import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

CLASSES = {
    "tiny-qwen-image": (diffusers.QwenImageTransformer2DModel, diffusers.QwenImagePipeline),
    "tiny-sd35": (diffusers.SD3Transformer2DModel, diffusers.StableDiffusion3Pipeline),
}
FORMS = ("pipeline", "model", "peft", "older")


def _transformer(models, name):
    return CLASSES[name][0].from_pretrained(Path(models) / name, subfolder="transformer").eval()


def _inputs(model):
    generator = torch.Generator().manual_seed(5)
    config = model.config
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    text = draw(2, 5, config.joint_attention_dim)
    if isinstance(model, diffusers.QwenImageTransformer2DModel):
        return {"hidden_states": draw(2, 6, config.in_channels), "encoder_hidden_states": text, "timestep": torch.tensor([0.3, 0.8])}
    return {
        "hidden_states": draw(2, config.in_channels, 4, 6),
        "encoder_hidden_states": text,
        "pooled_projections": draw(2, config.pooled_projection_dim),
        "timestep": torch.tensor([300.0, 800.0]),
    }


def _predict(model, base):
    extra = {}
    if isinstance(base, diffusers.QwenImageTransformer2DModel):
        extra = {
            "img_shapes": [[(1, 2, 3)]] * 2,
            "encoder_hidden_states_mask": torch.ones(2, 5, dtype=torch.int64),
        }
    with torch.no_grad():
        return model(**_inputs(base), **extra, return_dict=False)[0]


def _draw_config(rng, layers):
    ends = sorted({name.split(".", 2)[-1] if name.startswith("transformer_blocks") else name for name in layers})
    kind = rng.choice(["list", "regex", "all-linear"])
    if kind == "list":
        targets = rng.sample(ends, rng.randint(1, 4))
    elif kind == "regex":
        targets = rng.choice([r".*\.attn\.to_(q|v)", r"transformer_blocks\.1\..*(to_k|proj)", r".*attn\.(?P<part>add)_[qkv]_proj"])
    else:
        targets = "all-linear"
    exclude = rng.choice([None, None, ["to_k"], r".*\.0\..*"])
    rslora = rng.random() < 0.3
    return {
        "r": rng.randint(1, 6),
        "lora_alpha": rng.choice([1, 4, 8, 12]),
        "target_modules": targets,
        "exclude_modules": exclude,
        "use_rslora": rslora,
        "rank_pattern": rng.choice([{}, {"to_q": 2}, {r"^transformer_blocks\.0\..*to_v": 3, "attn.to_.": 5}]),
        "alpha_pattern": rng.choice([{}, {"to_v": 3}, {r"transformer_blocks.1.attn.to_q": 7}]),
        "init_lora_weights": rng.choice([True, "gaussian"]),
    }


def make(models, name, seed, folder):
    """Draws an adapter for a model, writes it in a form, and what the model with it predicts from which inputs."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    model = _transformer(models, name)
    layers = [path for path, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    while True:
        settings = _draw_config(rng, layers)
        base = _transformer(models, name)
        try:
            adapted = get_peft_model(base, LoraConfig(**settings)).eval()
            break
        except ValueError:  # nothing left, or a module that PEFT cannot adapt
            continue
    form = FORMS[seed % len(FORMS)]
    for key, value in adapted.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(value, std=0.2)
    chosen = sorted({k.split(".lora_A")[0].removeprefix("base_model.model.") for k in get_peft_model_state_dict(adapted)
                     if ".lora_A" in k})
    if form == "older" and settings["use_rslora"]:
        form = "pipeline"
    folder = Path(folder)
    folder.mkdir(parents=True)
    if form == "peft":
        adapted.save_pretrained(folder)
    else:
        weights = {k.removeprefix("base_model.model."): v for k, v in get_peft_model_state_dict(adapted).items()}
        config = {k: list(v) if isinstance(v, set) else v for k, v in adapted.peft_config["default"].to_dict().items()}
        _write(model, name, form, weights, config, settings, adapted, folder)
    inputs = _inputs(model)
    output = _predict(adapted, model)
    save_file({**inputs, "output": output.contiguous(), "plain": _predict(model, model).contiguous()}, folder / "case.tensors")
    return {"layers": layers, "chosen": chosen, "settings": settings, "form": form}


def _write(model, name, form, weights, config, settings, adapted, folder):
    pipeline = CLASSES[name][1]
    if form == "pipeline":
        pipeline.save_lora_weights(folder, transformer_lora_layers=weights, transformer_lora_adapter_metadata=config)
    elif form == "model":
        model.add_adapter(LoraConfig(**settings))
        for key, value in weights.items():
            path, part, _ = key.rsplit(".", 2)
            getattr(model.get_submodule(path), part)["default"].weight.data.copy_(value)
        model.save_lora_adapter(folder)
        model.delete_adapters("default")
        model.unload_lora()
    else:
        older = {}
        for key, value in weights.items():
            path, part, _ = key.rsplit(".", 2)
            older[f"transformer.{path}.{'lora_down' if part == 'lora_A' else 'lora_up'}.weight"] = value.contiguous()
            layer = adapted.base_model.model.get_submodule(path)
            older[f"transformer.{path}.alpha"] = torch.tensor(float(layer.lora_alpha["default"]))
        save_file(older, folder / "pytorch_lora_weights.safetensors")


def predict(models, name, folder, form, into):
    """What the model predicts with the adapter in a folder, as diffusers or PEFT load it."""
    model = _transformer(models, name)
    if form == "peft":
        output = _predict(PeftModel.from_pretrained(model, folder).eval(), model)
    else:
        model.load_lora_adapter(folder, prefix="transformer", weight_name="pytorch_lora_weights.safetensors")
        output = _predict(model, model)
    save_file({"output": output.contiguous()}, into)


def predict_weighted(models, name, folders, weights, into):
    """What the model predicts with several adapters and `set_adapters`."""
    model = _transformer(models, name)
    names = [f"adapter{index}" for index in range(len(folders))]
    for adapter, folder in zip(names, folders):
        model.load_lora_adapter(folder, prefix="transformer", adapter_name=adapter, weight_name="pytorch_lora_weights.safetensors")
    model.set_adapters(names, weights)
    save_file({"output": _predict(model, model).contiguous()}, into)


def linear_layers(models, name):
    """The layers that all-linear means."""
    adapted = get_peft_model(_transformer(models, name), LoraConfig(r=1, target_modules="all-linear"))
    return sorted(k.split(".lora_A")[0].removeprefix("base_model.model.") for k in get_peft_model_state_dict(adapted) if "lora_A" in k)
