"""AdamW on the adapters of a transformer: what a case records of three updates."""

import re

import torch

LEARNING = {
    "name": "AdamW",
    "lr": 1e-3,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
}


def trainable(transformer):
    """The adapters by their names in a file; everything else is frozen."""
    found = {}
    for name, parameter in transformer.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if "lora_" in name:
            found[re.sub(r"\.(lora_[AB])\.[^.]+\.weight$", r".\1.weight", name)] = parameter
    return found


def three_updates(transformer, tensors, backward):
    """Updates the adapters three times on the same batch.

    `backward` adds up the gradients and returns the lines of the log. Gradients before clipping and adapters go into
    `tensors`; the log is returned, with the names of adapters that no gradient reaches.
    """
    parameters = trainable(transformer)
    tensors.update({f"lora_init.{name}": p.detach().clone() for name, p in parameters.items()})
    optimizer = torch.optim.AdamW(
        parameters.values(),
        **{key: LEARNING[key] for key in ("lr", "betas", "eps", "weight_decay")},
    )
    log = []
    for update in (1, 2, 3):
        optimizer.zero_grad()
        lines = backward()
        if update == 1:
            without = [name for name, p in parameters.items() if p.grad is None]
            reached = {name: p.grad for name, p in parameters.items() if p.grad is not None}
            tensors.update({f"grad.{name}": grad.clone() for name, grad in reached.items()})
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), LEARNING["max_grad_norm"])
        optimizer.step()
        log.append({"optimizer_step": update, "grad_norm": norm.item(), "losses": lines})
        if update != 2:
            after = {f"param_step{update}.{name}": p for name, p in parameters.items()}
            tensors.update({name: p.detach().clone() for name, p in after.items()})
    return {"optimizer": LEARNING, "log": log, "params_without_grad": without}
