"""What the peers are."""

import platform

import diffusers
import peft
import torch
import transformers


def installed():
    """Versions by name."""
    modules = (torch, diffusers, transformers, peft)
    return {"python": platform.python_version(), **{module.__name__: module.__version__ for module in modules}}
