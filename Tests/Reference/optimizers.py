"""Makes optimizers.json: five steps of PyTorch's optimizers with given gradients, in float32 and float64.

  python3 optimizers.py    needs torch 2.11
"""
import json
import pathlib

import torch

generator = torch.Generator().manual_seed(30)
count, steps = 24, 5
start = (torch.randn(count, generator=generator) * 16).round() / 16
gradients = [(torch.randn(count, generator=generator) * 16).round() / 16 for _ in range(steps)]
plans = {
    "sgd": {"rate": 0.1},
    "momentum": {"rate": 0.05, "momentum": 0.9},
    "nesterov": {"rate": 0.05, "momentum": 0.8, "weightDecay": 0.01, "nesterov": True},
    "sgd with decay": {"rate": 0.1, "weightDecay": 0.1},
    "adam": {"rate": 0.01},
    "adam with decay": {"rate": 0.02, "weightDecay": 0.07, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6},
    "adamw": {"rate": 0.02, "weightDecay": 0.1},
}


def optimizer(name, plan, parameters):
    rate, decay = plan["rate"], plan.get("weightDecay", 0)
    if not name.startswith("adam"):
        return torch.optim.SGD(
            parameters, rate, plan.get("momentum", 0), weight_decay=decay, nesterov=plan.get("nesterov", False), foreach=False)
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    betas = (plan.get("beta1", 0.9), plan.get("beta2", 0.999))
    return kind(parameters, rate, betas, plan.get("epsilon", 1e-8), weight_decay=decay, foreach=False)


def trajectory(name, plan, dtype):
    parameter = torch.nn.Parameter(start.to(dtype).clone())
    steps = optimizer(name, plan, [parameter])
    values = []
    for gradient in gradients:
        parameter.grad = gradient.to(dtype).clone()
        steps.step()
        values.append([float(f"{v:.9g}" if dtype == torch.float32 else f"{v:.17g}") for v in parameter.tolist()])
    return values


document = {
    "start": start.tolist(), "gradients": [g.tolist() for g in gradients],
    "trajectories": [
        {"name": name, "plan": plan} | {key: trajectory(name, plan, dtype)
         for key, dtype in (("float32", torch.float32), ("float64", torch.float64))}
        for name, plan in plans.items()
    ],
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(document, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(path.stat().st_size, "bytes")
