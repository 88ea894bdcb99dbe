"""What the families of transformers share: prediction, loss, and the gradients of adapters, parameters and inputs."""

import torch

TOLERANCE = {"atol": 5e-5, "rtol": 1e-3}
# A gradient whose rounding reaches this share of its largest value says nothing: in exact numbers it is zero.
NOISE = 1e-4


def run(model, inputs, differentiated, others, weight):
    """The output, the loss, and the gradients by the names of the golden format; None where there is none."""
    model.zero_grad(set_to_none=True)
    leaves = {name: inputs[name].clone().requires_grad_() for name in differentiated}
    rest = {name: tensor for name, tensor in inputs.items() if name not in leaves}
    output = model(**leaves, **rest, **others, return_dict=False)[0]
    loss = (output * weight).mean()
    loss.backward()
    gradients = {
        "grad." + name.replace(".default.", ".").replace(".base_layer.", "."): parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    gradients |= {f"grad_input.{name}": leaf.grad for name, leaf in leaves.items()}
    copied = {name: None if one is None else one.detach().clone() for name, one in gradients.items()}
    return output.detach(), loss.detach(), copied


def measure(model, context, inputs, differentiated, others):
    """The case's fields and tensors. Inputs are those that the case stores; the others stand in its description."""
    model.requires_grad_(not any("lora_" in name for name, _ in model.named_parameters()))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.requires_grad_()
    with torch.no_grad():
        shape = model(**inputs, **others, return_dict=False)[0].shape
    weight = context.randn(shape)
    output, loss, gradients = run(model, inputs, differentiated, others, weight)
    wide = {name: one.double() if one.is_floating_point() else one for name, one in inputs.items()}
    exact, _, exact_gradients = run(model.double(), wide, differentiated, others, weight.double())
    tensors = {**inputs, "loss_weight": weight, "output": output, "loss": loss}
    noises = [0.0]
    for name, gradient in gradients.items():
        if gradient is None:
            continue
        largest = gradient.abs().max().item()
        noise = (gradient - exact_gradients[name]).abs().max().item() / max(largest, 1e-30)
        if largest > 0 and noise > NOISE:
            continue
        noises.append(noise)
        tensors[name] = gradient
    return {
        "params_without_grad": [
            name[len("grad.") :] for name, one in gradients.items() if one is None and name.startswith("grad.")
        ],
        "f32_vs_f64_max_abs": (output - exact).abs().max().item(),
        "grad_f32_vs_f64_max_rel_to_tensor_max": max(noises),
        "output_std": output.std().item(),
        "tolerance": TOLERANCE,
    }, tensors
