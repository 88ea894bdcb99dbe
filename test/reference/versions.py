"""Which peers the tests compare with."""

import diffusers
import peft
import torch
import transformers


def installed():
    modules = (torch, diffusers, transformers, peft)
    return {module.__name__: module.__version__ for module in modules}


def refuse(value):
    raise ValueError(f"refused {value}")
