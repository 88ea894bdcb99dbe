"""Writes random cases as the golden format has them: a JSON description and its tensors in safetensors."""

import importlib
import json
import math
import os
import random
import shutil

import torch
from safetensors.torch import save_file

# The models are tiny, and other processes share the machine.
torch.set_num_threads(1)


class Context:
    """What a case draws its tensors from, and where model directories lie."""

    def __init__(self, seed, folder):
        self.folder = folder
        self.generator = torch.Generator().manual_seed(seed)

    def randn(self, shape):
        return torch.randn(tuple(shape), generator=self.generator)

    def path(self, name):
        """The absolute path of what a description names relative to the cases' folder."""
        return os.path.join(self.folder, name)

    def new_folder(self, name):
        """Makes an empty folder for a model that belongs to this case alone. Returns its name relative to the cases' folder."""
        relative = os.path.join("made", name)
        shutil.rmtree(self.path(relative), ignore_errors=True)
        os.makedirs(self.path(relative))
        return relative


def plain(value):
    """JSON has no NaN and no infinity: the golden format writes them as {"special": name}."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"special": str(value)}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def as_stored(tensor):
    """Integers, booleans and ids are int32."""
    tensor = tensor.detach()
    whole = not tensor.is_floating_point()
    return (tensor.to(torch.int32) if whole else tensor.float()).contiguous().clone()


def write(family, seed, folder):
    """Makes the case of a family and a seed below `folder`, which holds or links models/."""
    context = Context(seed, folder)
    module = importlib.import_module(f"differential.{family}")
    description, tensors = module.make(random.Random(seed), context)
    prefix = description.pop("case_prefix", "seed")
    stem = os.path.join(folder, "cases", family, f"{prefix}_{seed}")
    os.makedirs(os.path.dirname(stem), exist_ok=True)
    with open(f"{stem}.json", "w") as file:
        json.dump(plain({"case": os.path.basename(stem), "family": family, **description}), file)
    if tensors:
        save_file({name: as_stored(tensor) for name, tensor in tensors.items()}, f"{stem}.safetensors")
    return f"{stem}.json"
