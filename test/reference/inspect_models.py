"""Parameters of models as diffusers and transformers build them, without memory for their weights."""

import json
import os

import torch


def _model(library, class_name, folder):
    module = __import__(library)
    cls = getattr(module, class_name)
    if library == "transformers":
        return cls(cls.config_class.from_pretrained(folder))
    with open(os.path.join(folder, "config.json")) as file:
        return cls.from_config(json.load(file))


def count(path):
    """Parameters of each component of a model's folder."""
    with open(os.path.join(path, "model_index.json")) as file:
        index = json.load(file)
    counts = {}
    for name, entry in index.items():
        folder = os.path.join(path, name)
        if isinstance(entry, list) and os.path.exists(os.path.join(folder, "config.json")):
            with torch.device("meta"):
                model = _model(entry[0], entry[1], folder)
            counts[name] = sum(parameter.numel() for parameter in model.parameters())
    return counts


def describe(class_name, config):
    """Names and shapes of a state dict, and the number of parameters, on the meta device."""
    import diffusers

    with torch.device("meta"):
        model = getattr(diffusers, class_name)(**config)
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    return {"shapes": shapes, "parameters": sum(p.numel() for p in model.parameters())}
