"""PyTorch's AdamW with clipping of the global norm."""

import torch


def make(rng, context):
    settings = {
        "lr": rng.choice([1e-2, 1e-3, 3e-4]),
        "betas": rng.choice([[0.9, 0.999], [0.9, 0.99], [0.5, 0.9]]),
        "eps": rng.choice([1e-8, 1e-6]),
        "weight_decay": rng.choice([0.0, 0.01, 0.1]),
    }
    most = rng.choice([1.0, 0.1, 1e9])
    steps = rng.randint(1, 8)
    shapes = [
        [rng.randint(1, 6) for _ in range(rng.randint(0, 3))] for _ in range(rng.randint(1, 4))
    ]
    parameters = [torch.nn.Parameter(context.randn(shape)) for shape in shapes]
    tensors = {f"p{k}.init": p.detach().clone() for k, p in enumerate(parameters)}
    optimizer = torch.optim.AdamW(parameters, **{**settings, "betas": tuple(settings["betas"])})
    norms = []
    for step in range(steps):
        scale = 10 ** rng.uniform(-3, 1)
        for k, p in enumerate(parameters):
            p.grad = scale * context.randn(p.shape)
            tensors[f"p{k}.grad{step}"] = p.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, most).item())
        for k, p in enumerate(parameters):
            tensors[f"p{k}.clipped{step}"] = p.grad.clone()
        optimizer.step()
        for k, p in enumerate(parameters):
            tensors[f"p{k}.after{step}"] = p.detach().clone()
    return {
        **settings,
        "max_norm": most,
        "grad_norms": norms,
        "n_steps": steps,
        "tolerance": {"atol": 1e-6, "rtol": 1e-5},
    }, tensors
