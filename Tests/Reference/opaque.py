"""Makes opaque.json: what PyTorch gives for opaque functions and their gradients, in float64.

  python3 opaque.py        needs torch 2.11

Each case: the function, its numbers, one or two operands (shape and values), the output, and the gradients of sum(output ** 2) by each operand.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(30)
torch.set_default_dtype(torch.float64)
cases = []


def stored(x):
    return {"shape": list(x.shape), "values": [float(f"{v:.14g}") for v in x.detach().flatten().tolist()]}


def drawn(*shape):
    # Odd multiples of 1/32: short in JSON, and no threshold is met.
    return ((torch.randn(shape) * 16).round() * 2 + 1) / 32


def case(name, compute, numbers=(), operands=None):
    operands = operands or [drawn(2, 3, 2, 2)]
    leaves = [x.clone().requires_grad_() for x in operands]
    output = compute(*leaves)
    (output**2).sum().backward()
    cases.append({"name": name, "numbers": list(numbers), "operands": [stored(x) for x in operands], "output": stored(output),
                  "gradients": [stored(x.grad) for x in leaves]})


def positive(*shape):
    return drawn(*shape).abs() + 0.25


within = [(drawn(2, 3, 2, 2) / 4).clamp(-31 / 32, 31 / 32)]
for name in ["abs", "exp", "sin", "cos", "tan", "atan", "sinh", "cosh", "asinh", "erf", "sign", "floor", "ceil"]:
    case(name, getattr(torch, name))
for name in ["asin", "acos", "atanh"]:
    case(name, getattr(torch, name), operands=within)
for name in ["sqrt", "log", "reciprocal"]:
    case(name, getattr(torch, name), operands=[positive(2, 3, 2, 2)])
case("acosh", torch.acosh, operands=[positive(2, 3, 2, 2) + 1])
case("round", torch.round, operands=[torch.tensor([[0.5, 1.5, -0.5, -1.5, 2.25, -0.75]])])
case("softsign", F.softsign)
case("selu", F.selu, [1.6732632423543772, 1.0507009873554805])
case("celu", lambda x: F.celu(x, 0.5), [0.5])
case("thresholdedReLU", lambda x: F.threshold(x, 0.25, 0), [0.25])
case("shrink", lambda x: F.softshrink(x, 0.5), [0.5, 0.5])
case("shrink", lambda x: F.hardshrink(x, 0.5), [0.5, 0])
case("hardSigmoid", lambda x: (0.25 * x + 0.75).clamp(0, 1), [0.25, 0.75])
case("clip", lambda x: F.hardtanh(x, -0.5, 0.75), [-0.5, 0.75])
case("constantPower", lambda x: x**1.5, [1.5], [positive(2, 3, 2, 2)])
case("logSoftmax", lambda x: F.log_softmax(x, 1))
case("logSoftmax", lambda x: F.log_softmax(x, 1), operands=[drawn(2, 5)])
for p in [1, 2]:
    case("lpNormalize", lambda x: F.normalize(x, p=p, dim=1), [p])
case("lpNormalize", lambda x: torch.zeros_like(x) * x, [2], [torch.zeros(1, 3)])
case("cumulativeSum", lambda x: x.cumsum(1), [0, 0])
case("cumulativeSum", lambda x: x.cumsum(1) - x, [1, 0])
case("cumulativeSum", lambda x: x.flip(1).cumsum(1).flip(1), [0, 1])
case("cumulativeSum", lambda x: x.flip(1).cumsum(1).flip(1) - x, [1, 1])
case("channelSum", lambda x: x.sum(1, keepdim=True))
case("channelMean", lambda x: x.mean(1, keepdim=True))
case("channelMax", lambda x: x.amax(1, keepdim=True))
case("channelMin", lambda x: x.amin(1, keepdim=True))
case("channelL1", lambda x: x.abs().sum(1, keepdim=True))
case("channelL2", lambda x: torch.linalg.vector_norm(x, dim=1, keepdim=True), operands=[drawn(2, 5)])
case("channelProduct", lambda x: x.prod(1, keepdim=True))
case("channelLogSumExp", lambda x: x.logsumexp(1, keepdim=True))
pairs = [[drawn(2, 3, 2, 2), drawn(2, 3, 2, 2)], [drawn(2, 3, 2, 2), drawn(2, 1, 2, 2)], [drawn(2, 3, 1, 1), drawn(2, 3, 2, 2)]]
for name, compute in {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "maximum": torch.maximum,
                      "minimum": torch.minimum}.items():
    for operands in pairs:
        case(name, compute, operands=operands)
case("power", torch.pow, operands=[positive(2, 3, 2, 2), drawn(2, 1, 2, 2)])

pathlib.Path(__file__).with_name("opaque.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
