"""Makes weight_criteria.json: scores of weights, units and batch norms, and Erdős–Rényi densities, in float64.

  python3 weight_criteria.py        needs torch 2.11

Everything from its definition, not from the formula that Espalier computes: LAMP by a sum per weight, distances one by one, expected
ReLU outputs by numerical integration, densities by taking full layers out one after another.
"""
import json
import pathlib

import torch

torch.manual_seed(5)


def stored(x):
    return {"shape": list(x.shape), "values": x.double().flatten().tolist()}


def lamp(squares):
    # (square, index) orders the weights; each is divided by all that do not stand before it.
    keys = [(s, i) for i, s in enumerate(squares.flatten().tolist())]
    scores = [s / sum(t for t, j in keys if (t, j) >= (s, i)) if s else 0.0 for s, i in keys]
    return torch.tensor(scores, dtype=torch.float64).reshape(squares.shape)


def expected(gamma, beta):
    z = torch.linspace(-14, 14, 4_000_001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5
    return torch.trapezoid(torch.relu(beta + abs(gamma) * z) * density, z)


def erk(shapes, density):
    numbers = [torch.Size(s).numel() for s in shapes]
    full = set()
    while True:
        free = [i for i in range(len(shapes)) if i not in full]
        budget = density * sum(numbers) - sum(numbers[i] for i in full)
        epsilon = budget / sum(sum(shapes[i]) for i in free)
        over = [i for i in free if epsilon * sum(shapes[i]) > numbers[i]]
        if not over:
            return [1.0 if i in full else epsilon * sum(shapes[i]) / numbers[i] for i in range(len(shapes))]
        full.add(max(over, key=lambda i: sum(shapes[i]) / numbers[i]))


layers = []
for name, w in {
    "convolution": torch.randn(7, 3, 3, 2, dtype=torch.float64),
    "linear": torch.randn(9, 12, dtype=torch.float64),
    "ties": (torch.randn(6, 10, dtype=torch.float64) * 2).round() / 2,
}.items():
    flat = w.flatten(1)
    layers.append({
        "name": name,
        "weight": stored(w),
        "lamp": stored(lamp(w**2)),
        "unitLAMP": stored(lamp((flat**2).sum(1))),
        "linf": stored(flat.abs().amax(1)),
        "threshold": stored(flat.abs().mean(1)),
        "fpgm": stored(torch.stack([torch.stack([(a - b).norm() for b in flat]).sum() for a in flat])),
        "deviation": w.std(unbiased=False).item(),
    })

gamma = torch.tensor([1.0, -1.0, 0.3, 2.0, -0.05, 0.7, 1.0], dtype=torch.float64)
beta = torch.tensor([0.0, 1.0, -0.9, -1.5, 0.2, 3.0, -2.0], dtype=torch.float64)
norm = {"scale": stored(gamma), "shift": stored(beta), "expected": stored(torch.stack([expected(g, b) for g, b in zip(gamma, beta)]))}

shapes = [[64, 3, 3, 3], [64, 64, 3, 3], [128, 64, 3, 3], [128, 64, 1, 1], [128, 128, 3, 3], [10, 128]]
densities = [{"density": d, "layers": erk(shapes, d)} for d in (0.5, 0.2, 0.1, 0.05, 0.01)]

path = pathlib.Path(__file__).with_name("weight_criteria.json")
path.write_text(json.dumps({"layers": layers, "norm": norm, "shapes": shapes, "densities": densities}, indent=0) + "\n")
