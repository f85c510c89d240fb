"""Makes meta.json: outer gradients of two tasks by MAML, first-order MAML, Reptile and MLDG, as PyTorch's torch.func computes them.

  python3 meta.py        needs torch 2.11

Everything in float64, on a convolution, a linear layer and tanh. Three inner steps at 0.3 on two batches by turns; a tenth of the weights is
pruned. MLDG takes one step at 0.3 and weighs the pseudo-test by 0.7.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torch.func import grad

RATE, STEPS, WEIGHT = 0.3, 3, 0.7


def pattern(shape, step):
    count = torch.Size(shape).numel()
    return (((torch.arange(count) * step) % 101).double() - 50).reshape(shape) / 100


SHAPES = {"conv.weight": (3, 1, 3, 3), "conv.bias": (3,), "fc.weight": (4, 27), "fc.bias": (4,)}
KEPT = {name: (torch.arange(torch.Size(shape).numel()) % 10 != 3).double().reshape(shape) for name, shape in SHAPES.items()}
START = {name: pattern(shape, 37) * (KEPT[name] if name.endswith("weight") else 1) for name, shape in SHAPES.items()}


def batch(number):
    images = pattern((8, 1, 6, 6), 53 + 2 * number) * 2
    return images, (torch.arange(8) * (number + 1) + number) % 4


def loss(weights, batch):
    images, labels = batch
    x = F.max_pool2d(torch.tanh(F.conv2d(images, weights["conv.weight"], weights["conv.bias"], padding=1)), 2).flatten(1)
    return F.cross_entropy(F.linear(x, weights["fc.weight"], weights["fc.bias"]), labels)


def step(weights, batch):
    slope = grad(loss)(weights, batch)
    return {
        name: value - RATE * slope[name] * (KEPT[name] if name.endswith("weight") else 1) for name, value in weights.items()
    }


def adapted(weights, support):
    for number in range(STEPS):
        weights = step(weights, support[number % 2])
    return weights


def through_steps(weights, support, query):
    return loss(adapted(weights, support), query)


def pseudo_tested(weights, support, query):
    return loss(weights, support[0]) + WEIGHT * loss(step(weights, support[0]), query)


TASKS = [([batch(0), batch(1)], batch(2)), ([batch(3), batch(4)], batch(5))]


def mean(gradients):
    return {name: torch.stack([one[name] for one in gradients]).mean(0) for name in SHAPES}


found = {
    "maml": mean([grad(through_steps)(START, *task) for task in TASKS]),
    "fomaml": mean([grad(loss)(adapted(START, support), query) for support, query in TASKS]),
    "reptile": mean([{name: START[name] - value for name, value in adapted(START, support).items()} for support, _ in TASKS]),
    "mldg": mean([grad(pseudo_tested)(START, *task) for task in TASKS]),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(
    json.dumps({update: {name: value.flatten().tolist() for name, value in gradient.items()} for update, gradient in found.items()}) + "\n"
)
